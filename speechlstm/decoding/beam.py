"""Beam search with a language model, a lexicon and hot words: log_probs to texts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.alphabet import Alphabet
from speechlstm.config import DecodeConfig
from speechlstm.decoding.fusion import NO_WORD, WordFusion
from speechlstm.decoding.greedy import check_log_probs, greedy_decode
from speechlstm.decoding.lexicon import Lexicon
from speechlstm.decoding.search import Path, PrefixSearch
from speechlstm.lm.ngram import NGramModel


@dataclass(frozen=True)
class BeamHypothesis:
    """One reading of an utterance. Logarithms are natural.

    Attributes:
        text: Its words, joined by spaces.
        labels: The symbols that it was heard as, from label 1 up, without repeats and blanks.
        spans: For each word, where in labels it begins, and one past its last label.
        log_prob: Of all CTC paths of the text that the search kept.
        lm_log_prob: Of the words, the spelling of unknown ones and the end of the text; 0 without
            a language model.
        score: What hypotheses are ranked by: see DecodeConfig.
    """

    text: str
    labels: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    log_prob: float
    lm_log_prob: float
    score: float


class BeamDecoder:
    """CTC prefix beam search: see speechlstm.decoding.search. It may be shared by threads.

    Three kinds of search are one. Characters alone: any text, the acoustic model's likeliest.
    Characters with a language model (and, by default, with a lexicon of characters): words outside
    the vocabulary stay possible, at a cost. A lexicon of phones, or of
    characters without open_vocabulary: only its words.

    Args:
        alphabet: What labels stand for.
        config: The weights, how wide to search, hot words.
        lm: Scores the words; None: all are equal.
        lexicon: How words are spelled; None: by their characters.

    Raises:
        AlphabetError: A hot word has characters that the alphabet lacks.
        ConfigError: The language model or a hot word has words that nothing tells how to spell.
        ModelError: Language model or lexicon belong to another alphabet.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecodeConfig,
        lm: NGramModel | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.alphabet, self.config = alphabet, config
        self._fusion = WordFusion(alphabet, config, lm, lexicon)

    def decode(self, log_probs: NDArray[np.float32]) -> list[BeamHypothesis]:
        """At most num_hypotheses texts, no two alike, the best first, at least one.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.

        Raises:
            ValueError: The shape is another, or a row's probabilities do not sum to 1.
        """
        check_log_probs(log_probs, self.alphabet)
        readings: dict[str, list[tuple[Path, list[int]]]] = {}
        for path in PrefixSearch(self._fusion, self.config, log_probs).run():
            ends = self._word_ends(path)
            readings.setdefault(self._text(path, ends), []).append((path, ends))
        hypotheses = [self._hypothesis(text, paths) for text, paths in readings.items()]
        if self._fusion.is_free:
            best_path = self._best_path(log_probs)
            if best_path.score > max(h.score for h in hypotheses):
                hypotheses = [best_path, *(h for h in hypotheses if h.text != best_path.text)]
        hypotheses.sort(key=lambda h: (-h.score, h.text))
        return hypotheses[: self.config.num_hypotheses]

    def _word_ends(self, path: Path) -> list[int]:
        """One past the last label of each word."""
        num_labels, boundary = len(path.labels), self._fusion.boundary
        if not self._fusion.is_open:
            return [i for i, word in enumerate(path.words) if word != NO_WORD]
        if boundary:
            ends = [i for i, label in enumerate(path.labels) if label == boundary]
            return ends if path.labels[-1:] in ([], [boundary]) else [*ends, num_labels]
        return list(range(1, num_labels + 1)) if self.alphabet.separator else [num_labels]

    def _text(self, path: Path, ends: list[int]) -> str:
        if self._fusion.is_open:
            return self.alphabet.decode(path.labels[: ends[-1]]) if ends else ""
        return " ".join(self._fusion.lexicon.words[path.words[i]] for i in ends)

    def _hypothesis(self, text: str, paths: list[tuple[Path, list[int]]]) -> BeamHypothesis:
        """A text that was reached in several ways: with and without a space at the end, ..."""
        path, ends = max(paths, key=lambda found: found[0].score)
        distinct = {tuple(path.labels): path.log_prob for path, _ in paths}
        log_prob = float(np.logaddexp.reduce(list(distinct.values())))
        gap = 1 if self._fusion.boundary else 0
        starts = [0, *(end + gap for end in ends[:-1])]
        return BeamHypothesis(
            text,
            tuple(path.labels[: ends[-1]] if ends else ()),
            tuple(zip(starts, ends, strict=False)),
            log_prob,
            path.lm_log_prob,
            path.score - path.log_prob + log_prob,
        )

    def _best_path(self, log_probs: NDArray[np.float32]) -> BeamHypothesis:
        """A beam of few may lose the best path: then this text is likelier than what it kept."""
        best = greedy_decode(log_probs, self.alphabet, frame_seconds=1.0)
        path = Path(self.alphabet.encode(best.text), [], best.log_prob, 0.0, best.log_prob)
        return self._hypothesis(best.text, [(path, self._word_ends(path))])
