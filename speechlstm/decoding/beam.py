"""Beam search with a language model, a lexicon and hot words: log_probs to texts."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.fusion import NO_WORD, WordFusion
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.log_probs import check_log_probs
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.search import Path, PrefixSearch
from speechlstm.lm.model import SearchModel
from speechlstm.text.alphabet import Alphabet


@dataclass(frozen=True)
class BeamHypothesis:
    """One reading of an utterance. Logarithms are natural.

    Attributes:
        text: Its words, joined by spaces.
        labels: The symbols that it was heard as, from label 1 up, without repeats and blanks.
        spans: For each word, where in labels it begins, and one past its last label.
        log_prob: Of all CTC paths of the text that the search kept; with a prior, of the posteriors
            that it discounts.
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
        prior: Of the labels, to be taken out of their posteriors; None: it is not known.

    Raises:
        AlphabetError: A hot word has characters that the alphabet lacks.
        ConfigError: The language model or a hot word has words that nothing tells how to spell.
        ModelError: Language model or lexicon belong to another alphabet.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecodeConfig,
        lm: SearchModel | None = None,
        lexicon: LexiconTree | None = None,
        prior: Prior | None = None,
    ) -> None:
        self.alphabet, self.config = alphabet, config
        self._fusion = WordFusion(alphabet, config, lm, lexicon)
        self._prior = None if self._fusion.is_free else prior

    def decode(self, log_probs: NDArray[np.float32]) -> list[BeamHypothesis]:
        """At most num_hypotheses texts, no two alike, the best first, at least one.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.

        Raises:
            ValueError: The shape is another, or a row's probabilities do not sum to 1.
        """
        check_log_probs(log_probs, self.alphabet)
        if self._prior:
            log_probs = self._prior.discount(log_probs, self.config.prior_weight)
        readings: dict[int | str, list[Path]] = {}
        for path in PrefixSearch(self._fusion, self.config, log_probs).run():
            key = path.hash if self._fusion.is_open else self._text(*path.labels_and_words)
            readings.setdefault(key, []).append(path)
        merged = sorted(map(_merged, readings.values()), key=lambda path: (-path.score, path.hash))
        hypotheses = [self._hypothesis(path) for path in merged[: self.config.num_hypotheses]]
        if self._fusion.is_free:
            best_path = self._best_path(log_probs)
            if best_path.score > hypotheses[0].score:
                others = [h for h in hypotheses if h.text != best_path.text]
                hypotheses = [best_path, *others][: self.config.num_hypotheses]
        return hypotheses

    def _hypothesis(self, path: Path) -> BeamHypothesis:
        labels, words = path.labels_and_words
        ends = self._word_ends(labels, words)
        return BeamHypothesis(
            self._text(labels, words),
            tuple(labels[: ends[-1]] if ends else ()),
            self._spans(ends),
            path.log_prob,
            path.lm_log_prob,
            path.score,
        )

    def _best_path(self, log_probs: NDArray[np.float32]) -> BeamHypothesis:
        """A beam of few may lose the best path: then this text is likelier than what it kept."""
        best = greedy_decode(log_probs, self.alphabet, frame_seconds=1.0)
        labels = self.alphabet.encode(best.text)
        spans = self._spans(self._word_ends(labels, []))
        return BeamHypothesis(best.text, tuple(labels), spans, best.log_prob, 0.0, best.log_prob)

    def _word_ends(self, labels: list[int], words: list[int]) -> list[int]:
        """One past the last label of each word."""
        if not self._fusion.is_open:
            return [i for i, word in enumerate(words) if word != NO_WORD]
        if self._fusion.boundary:
            ends = [i for i, label in enumerate(labels) if label == self._fusion.boundary]
            return ends if labels[-1:] in ([], [self._fusion.boundary]) else [*ends, len(labels)]
        if self.alphabet.separator:  # phones are words of their own, as in the best path
            return list(range(1, len(labels) + 1))
        return [len(labels)] if labels else []

    def _spans(self, ends: list[int]) -> tuple[tuple[int, int], ...]:
        gap = 1 if self._fusion.boundary else 0
        return tuple(zip([0, *(end + gap for end in ends)], ends, strict=False))

    def _text(self, labels: list[int], words: list[int]) -> str:
        if self._fusion.is_open:
            return self.alphabet.decode(labels).strip()
        return " ".join(self._fusion.lexicon.words[word] for word in words if word != NO_WORD)


def _merged(paths: list[Path]) -> Path:
    """The best of the ways in which one text was reached, with the probability of all."""
    best = max(paths, key=lambda path: path.score)
    if len(paths) == 1:
        return best
    # In two ways by the same labels only where words are divided otherwise: that counts once.
    distinct = {(tuple(path.labels_and_words[0])): path.log_prob for path in paths}
    log_prob = float(np.logaddexp.reduce(list(distinct.values())))
    return replace(best, log_prob=log_prob, score=best.score - best.log_prob + log_prob)
