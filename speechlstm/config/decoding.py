"""Settings of the decoder."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from speechlstm.config.base import Config
from speechlstm.config.hot_words import HotWord, read_hot_words


@dataclass(frozen=True)
class DecodeConfig(Config):
    """How log-probabilities become text: CTC prefix beam search, a language model, hot words.

    A text's score is log_prob + lm_weight * lm_log_prob + word_bonus * num_words, in natural
    logarithms, and what its hot words gain: see `speechlstm.decoding.hot_words`.
    `speechlstm tune` finds these weights for a model.

    Attributes:
        beam_width: Hypotheses that survive a frame.
        num_hypotheses: Different texts returned, at most.
        lm_weight: Of the language model beside the acoustic model, which is too sure of itself:
            its frames are scored as if they were independent.
        word_bonus: For each word, against the language model's liking for short texts; without a
            language model it is not used.
        prior_weight: How much of the labels' prior is taken out of their posteriors, where a bundle
            knows it and there are words to tell apart; 0: nothing, 1: all.
        unknown_character_log_prob: Of each character of a word outside the vocabulary: the language
            model knows how probable such words are, but of none of them which one it is. Without
            it any misspelling would be cheaper than a rare word, and one long word than several.
        open_vocabulary: Whether words outside the lexicon are possible; only where the symbols
            are characters, for phones do not tell a spelling.
        min_label_log_prob: Labels of a frame below it are passed over, unless the likeliest.
        max_score_gap: Hypotheses further below the best of a frame are dropped.
        blank_skip: Frames whose blank has at least this probability are taken as blank, at
            next to no cost; 1: only certain ones.
        hot_words: Words and phrases to be expected, or, with a negative weight, avoided. Texts
            ("brexit", "new york:2.5"), `HotWord`s, or a mapping from phrases to weights.
        hot_word_weight: Of those without a weight of their own: see `HotWord`. More than 1.25
            counts as that: see `speechlstm.decoding.hot_words`.
    """

    section: ClassVar[str] = "decoding"

    beam_width: int = 100
    num_hypotheses: int = 1
    lm_weight: float = 0.8
    word_bonus: float = 0.5
    prior_weight: float = 0.5
    unknown_character_log_prob: float = -4.0
    open_vocabulary: bool = True
    min_label_log_prob: float = -5.0
    max_score_gap: float = 12.0
    blank_skip: float = 0.98
    hot_words: tuple[HotWord, ...] = ()
    hot_word_weight: float = 1.25

    def __post_init__(self) -> None:
        object.__setattr__(self, "hot_words", read_hot_words(self.hot_words))
        super().__post_init__()

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values; hot words as `HotWord.parse` reads them."""
        return super().to_dict() | {"hot_words": [str(word) for word in self.hot_words]}

    def _check(self) -> None:
        self._at_least(1, "beam_width", "num_hypotheses")
        self._at_least(0, "lm_weight", "prior_weight", "max_score_gap", "hot_word_weight")
        for key in ("unknown_character_log_prob", "min_label_log_prob"):
            if getattr(self, key) > 0:
                self._refuse(key, f"must be at most 0, is {getattr(self, key)}")
        if not 0.5 < self.blank_skip <= 1:
            self._refuse("blank_skip", f"must be in (0.5, 1], is {self.blank_skip}")


@dataclass(frozen=True)
class NeuralLMConfig(Config):
    """How an LSTM language model takes part, beside the n-grams, where there is one.

    Attributes:
        weight: Its share in the probability of a word; the n-grams have the rest. 0 leaves it out.
        mode: `rescore`: it scores the n-best list that the search has found with the n-grams.
            `fuse`: it takes part in the search itself (shallow fusion), at many times the cost.
    """

    section: ClassVar[str] = "neural_lm"

    weight: float = 0.5
    mode: Literal["rescore", "fuse"] = "rescore"

    def _check(self) -> None:
        if not 0 <= self.weight <= 1:
            self._refuse("weight", f"must be in [0, 1], is {self.weight}")
