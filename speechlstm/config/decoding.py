"""Settings of the decoder."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from speechlstm.config.base import Config
from speechlstm.config.hot_words import HotWord, read_hot_words


@dataclass(frozen=True)
class DecodeConfig(Config):
    """Settings of the decoder: a CTC prefix beam search with a language model and hot words.

    The score of a text is log_prob + lm_weight * lm_log_prob + word_bonus * num_words, in natural
    logarithms, plus the bonus of its hot words (see `speechlstm.decoding.hot_words`). `speechlstm
    tune` finds the best weights for a model.

    >>> DecodeConfig(beam_width=64, hot_words=["brexit:2.5"]).hot_words
    (HotWord(phrase='brexit', weight=2.5),)

    Attributes:
        beam_width: The number of hypotheses kept after each frame.
        num_hypotheses: The largest number of different texts returned.
        lm_weight: Weight of the language model relative to the acoustic model (alpha elsewhere).
            The acoustic model is overconfident, because it scores frames as if they were
            independent.
        word_bonus: Added for each word, to offset the language model's preference for short texts
            (beta elsewhere). It is used only with a language model.
        prior_weight: The exponent of the labels' prior probabilities, by which their posteriors are
            divided; 0: no division. It is used only if the bundle stores the priors, and if there
            is a language model, a lexicon or hot words.
        unknown_character_log_prob: Added for each character of a word outside the vocabulary. The
            language model's probability of an unknown word is that of all unknown words together;
            without this term, misspellings would score better than rare words, and one long word
            better than several words.
        open_vocabulary: Whether words outside the lexicon are possible. It has an effect only if
            the symbols are characters, because phones do not determine a spelling.
        min_label_log_prob: Labels below this log-probability are skipped in a frame, except the
            most probable one.
        max_score_gap: Hypotheses this far below the best one of a frame are dropped.
        blank_skip: Frames in which the blank has at least this probability are treated as certain
            blanks, which takes almost no time; 1: only frames that are certain blanks.
        sentence_pause: A pause of so many seconds, in which the network finds nothing, ends a
            sentence for the language models, and another one begins; 0: the whole utterance is one.
            It is used only with a language model. A hot word may have a pause in it.
        hot_words: Words and phrases to prefer or, with a negative weight, to avoid: strings
            ("brexit", "new york:2.5"), `HotWord`s, or a mapping from phrases to weights.
        hot_word_weight: The weight of hot words that have none of their own: see `HotWord`. Values
            above 1.25 have the same effect as 1.25: see `speechlstm.decoding.hot_words`.
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
    sentence_pause: float = 0.0
    hot_words: tuple[HotWord, ...] = ()
    hot_word_weight: float = 1.25

    def __post_init__(self) -> None:
        object.__setattr__(self, "hot_words", read_hot_words(self.hot_words))
        super().__post_init__()

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values, with hot words as `HotWord.parse` reads them."""
        return super().to_dict() | {"hot_words": [str(word) for word in self.hot_words]}

    def _check(self) -> None:
        self._at_least(1, "beam_width", "num_hypotheses")
        self._at_least(0, "lm_weight", "prior_weight", "max_score_gap", "hot_word_weight",
                       "sentence_pause")  # fmt: skip
        for key in ("unknown_character_log_prob", "min_label_log_prob"):
            if getattr(self, key) > 0:
                self._refuse(key, f"must be at most 0, is {getattr(self, key)}")
        if not 0.5 < self.blank_skip <= 1:
            self._refuse("blank_skip", f"must be in (0.5, 1], is {self.blank_skip}")


@dataclass(frozen=True)
class NeuralLMConfig(Config):
    """How the LSTM language model is combined with the n-gram model.

    Attributes:
        weight: The weight of the LSTM's probability of a word in the interpolation with the n-gram
            model's; 0: the LSTM is not used.
        mode: "rescore": the LSTM rescores the n-best list that the search with the n-gram model
            returns. "fuse": it takes part in the search itself (shallow fusion), which takes many
            times as long.
        context_words: In the search, hypotheses that agree in this number of last words share the
            LSTM state of the first of them; 0: each history has its own state. Liu et al.,
            "Efficient lattice rescoring using recurrent neural network language models", ICASSP
            2014.
    """

    section: ClassVar[str] = "neural_lm"

    weight: float = 0.5
    mode: Literal["rescore", "fuse"] = "rescore"
    context_words: int = 0

    def _check(self) -> None:
        self._at_least(0, "context_words")
        self._fraction("weight")
