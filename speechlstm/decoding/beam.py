"""Beam search with a language model, a lexicon and hot words: log_probs to texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.alignment import align
from speechlstm.decoding.beams import Path
from speechlstm.decoding.detours import Detour
from speechlstm.decoding.fusion import NO_WORD, WordFusion
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.hot_words import MAX_TOTAL_LOSS, HotWords, Pronunciations
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.log_probs import check_log_probs, floored
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.search import PrefixSearch
from speechlstm.lm.model import SearchModel
from speechlstm.text.alphabet import BLANK, Alphabet


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
        has_hot_words: Whether it has some that the search alone would not have found.
    """

    text: str
    labels: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    log_prob: float
    lm_log_prob: float
    score: float
    has_hot_words: bool = False


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
        pronunciations: Of hot words that the lexicon lacks.

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
        pronunciations: Pronunciations | None = None,
    ) -> None:
        self.alphabet, self.config = alphabet, config
        self._fusion = WordFusion(alphabet, config, lm, lexicon)
        spellings = None if self._fusion.is_open else lexicon or self._fusion.lexicon
        self._hot_words = HotWords(
            config, alphabet, self._fusion.boundary, spellings, pronunciations or {}
        )
        self._prior = None if self._fusion.is_free else prior

    def decode(self, log_probs: NDArray[np.float32]) -> list[BeamHypothesis]:
        """At most num_hypotheses texts, no two alike, the best first, at least one.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.

        Raises:
            ValueError: The shape is another, or a row's probabilities do not sum to 1.
        """
        log_probs = self.prepared(log_probs)
        found = self.with_hot_words(log_probs, self.search(log_probs))
        hypotheses = [self._hypothesis(path) for path in found[: self.config.num_hypotheses]]
        if self._fusion.is_free:
            best_path = self._best_path(log_probs)
            if best_path.score > hypotheses[0].score:
                others = [h for h in hypotheses if h.text != best_path.text]
                hypotheses = [best_path, *others][: self.config.num_hypotheses]
        return hypotheses

    def prepared(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        """What search reads: the log-probabilities without their prior, if that is to be taken out.

        Raises:
            ValueError: The shape is another, or a row's probabilities do not sum to 1.
        """
        check_log_probs(log_probs, self.alphabet)
        if self._prior:
            log_probs = self._prior.discount(log_probs, self.config.prior_weight)
        return floored(log_probs)

    def search(self, log_probs: NDArray[np.float32], detours: Sequence[Detour] = ()) -> list[Path]:
        """One path for each text, with the probability of all of them; the best first.

        Args:
            log_probs: As `prepared` gives them.
            detours: Phrases that may be read beside what the search finds.
        """
        by_text: dict[int | str, list[Path]] = {}
        for path in PrefixSearch(self._fusion, self.config, log_probs, detours).run():
            is_told_by_hash = self._fusion.is_open and not detours
            key = path.hash if is_told_by_hash else self.text(path)
            by_text.setdefault(key, []).append(path)
        return sorted(map(_merged, by_text.values()), key=lambda path: (-path.score, path.hash))

    def with_hot_words(self, log_probs: NDArray[np.float32], found: list[Path]) -> list[Path]:
        """What was found without hot words, or, if one of those is better, all with those.

        Args:
            log_probs: As `prepared` gives them.
            found: What `search` has found in them.
        """
        detours = self._detours(log_probs, self._hypothesis(found[0])) if self._hot_words else []
        if not detours:
            return found
        by_text = {self.text(path): path for path in found}
        for path in self.search(log_probs, detours):
            num_labels = self._hot_words.num_labels(path.words)
            least = found[0].log_prob - self._hot_words.most(MAX_TOTAL_LOSS, num_labels)
            if num_labels and path.log_prob >= least:
                text = self.text(path)
                by_text[text] = max(by_text.get(text, path), path, key=lambda p: p.score)
        ranked = sorted(by_text.values(), key=lambda path: (-path.score, path.hash))
        return ranked if _has_detours(ranked[0]) else found

    def _detours(self, log_probs: NDArray[np.float32], best: BeamHypothesis) -> list[Detour]:
        """Where hot words may be said, beside the best hypothesis without them."""
        frames = align(log_probs, best.labels)
        path = np.full(len(log_probs), BLANK)
        for label, (start, stop) in zip(best.labels, frames, strict=True):
            path[start:stop] = label
        words = zip(best.text.split(), best.spans, strict=True)
        found = [(word, frames[i][0], frames[j - 1][1]) for word, (i, j) in words]
        return self._hot_words.detours(log_probs, path, found)

    def text(self, path: Path) -> str:
        """The text of a path."""
        return self._text(path.labels, path.words)

    def _hypothesis(self, path: Path) -> BeamHypothesis:
        ends = self._word_ends(path.labels, path.words)
        return BeamHypothesis(
            self.text(path),
            tuple(path.labels[: ends[-1]] if ends else ()),
            self._spans(ends),
            path.log_prob,
            path.lm_log_prob,
            path.score,
            _has_detours(path),
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
        return " ".join(self._word(word) for word in words if word != NO_WORD)

    def _word(self, word: int) -> str:
        return self._fusion.lexicon.words[word] if word >= 0 else self._hot_words.text(word)


def _has_detours(path: Path) -> bool:
    return min(path.words) < NO_WORD


def _merged(paths: list[Path]) -> Path:
    """The best of the ways in which one text was reached, with the probability of all."""
    best = max(paths, key=lambda path: path.score)
    if len(paths) == 1:
        return best
    # In two ways by the same labels only where words are divided otherwise: that counts once. What
    # has made a detour are paths that count already.
    distinct: dict[tuple[int, ...], float] = {}
    detoured = -np.inf
    for path in paths:
        if _has_detours(path):
            detoured = max(detoured, path.log_prob)
        else:
            distinct[tuple(path.labels)] = path.log_prob
    log_prob = max(detoured, float(np.logaddexp.reduce(list(distinct.values()))))
    return replace(best, log_prob=log_prob, score=best.score - best.log_prob + log_prob)
