"""Beam search with a language model, a lexicon and hot words: from log-probabilities to texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.alignment import align
from speechlstm.decoding.fusion import NO_WORD, WordFusion
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.hot_words import MAX_TOTAL_LOSS, HotWords, Pronunciations
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.log_probs import check_log_probs, floored
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.search import PrefixSearch
from speechlstm.decoding.search_state import Path
from speechlstm.decoding.spotted_phrases import SpottedPhrase
from speechlstm.decoding.spotted_search import SpottedSearch
from speechlstm.lm.model import SearchModel
from speechlstm.text.alphabet import BLANK, Alphabet


@dataclass(frozen=True)
class BeamHypothesis:
    """A hypothesis of the search for an utterance. Logarithms are natural.

    Attributes:
        text: The words, joined by spaces.
        labels: The labels, without repeats and blanks.
        spans: For each word, the (start, stop) range of its labels.
        log_prob: Log-probability of all CTC paths of the text that the search kept; with a prior,
            from the posteriors divided by it.
        lm_log_prob: Log-probability of the words, of the spelling of unknown ones and of the end of
            the text; 0 without a language model.
        score: Ranks hypotheses: see DecodeConfig.
        has_hot_words: Whether it has hot words that the search would not have found without them.
    """

    text: str
    labels: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    log_prob: float
    lm_log_prob: float
    score: float
    has_hot_words: bool = False


class BeamDecoder:
    """CTC prefix beam search: see speechlstm.decoding.search. Threads may share one.

    It can decode characters alone into any text; characters with a language model (and a lexicon of
    characters, by default), where words outside the vocabulary are possible at a cost; or phones
    with a lexicon, or characters without open_vocabulary, where only words of the lexicon are
    possible.

    >>> from speechlstm.text.alphabet import ENGLISH
    >>> log_probs = np.full((3, ENGLISH.num_labels), np.log(0.001), np.float32)
    >>> log_probs[range(3), [10, 0, 11]] = np.log(0.972)
    >>> BeamDecoder(ENGLISH, DecodeConfig()).decode(log_probs)[0].text
    'hi'

    Args:
        lm: The language model; None: there is none.
        lexicon: The spellings of words; None: their characters.
        prior: The labels' prior, by which posteriors are divided; None: not known.
        pronunciations: The pronunciations of hot words that the lexicon lacks.

    Raises:
        AlphabetError: A hot word has characters that the alphabet lacks.
        ConfigError: The symbols are phones, and there is no lexicon for the language model, or no
            pronunciation of a hot word.
        ModelError: The language model or the lexicon was built for another alphabet.
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
        self.alphabet, self.config, self.lm = alphabet, config, lm
        self._fusion = WordFusion(alphabet, config, lm, lexicon)
        spellings = None if self._fusion.is_open else lexicon or self._fusion.lexicon
        self._hot_words = HotWords(
            config, alphabet, self._fusion.boundary, spellings, pronunciations or {}
        )
        self._prior = None if self._fusion.is_free else prior

    def decode(
        self,
        log_probs: NDArray[np.float32],
        search: PrefixSearch | None = None,
        num_hypotheses: int | None = None,
    ) -> list[BeamHypothesis]:
        """Different texts, the best one first, at least one.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
            search: A search, made by `start`, that has passed the first of these frames; it is
                finished. None: a new one.
            num_hypotheses: The largest number of texts; None: that of the settings.

        Raises:
            ValueError: The array has another shape, or the probabilities of a frame do not sum to
                1.
        """
        log_probs = self.prepared(log_probs)
        found = self.search(log_probs, search=search)
        paths = self.with_hot_words(log_probs, found)
        most = num_hypotheses or self.config.num_hypotheses
        hypotheses = [self._hypothesis(path) for path in paths[:most]]
        if self._fusion.is_free:
            best_path = self._best_path(log_probs)
            if best_path.score > hypotheses[0].score:
                others = [h for h in hypotheses if h.text != best_path.text]
                hypotheses = [best_path, *others][:most]
        return hypotheses

    @property
    def boundary(self) -> int:
        """The label that ends a word; 0: there is none, since labels alone do not tell."""
        return self._fusion.boundary

    def start(self) -> PrefixSearch:
        """A search that has passed no frame yet; `prepared` frames can be added to it."""
        return PrefixSearch(self._fusion, self.config, self.alphabet.num_labels)

    def preview(
        self, log_probs: NDArray[np.float32], search: PrefixSearch, num_hypotheses: int
    ) -> list[BeamHypothesis]:
        """As decode, but without hot words, and the text may go on.

        Args:
            log_probs: As in decode.
            search: As in decode.
        """
        search.advance(self.prepared(log_probs[search.num_frames :]))
        paths = self._ranked(search.finish(is_end=False), is_unique=self._fusion.is_open)
        return [self._hypothesis(path) for path in paths[:num_hypotheses]]

    def prepared(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-probabilities that are searched: divided by the prior, if that is to be done.

        Raises:
            ValueError: The array has another shape, or the probabilities of a frame do not sum to
                1.
        """
        check_log_probs(log_probs, self.alphabet)
        if self._prior:
            log_probs = self._prior.discount(log_probs, self.config.prior_weight)
        return floored(log_probs)

    def search(
        self,
        log_probs: NDArray[np.float32],
        spotted: Sequence[SpottedPhrase] = (),
        search: PrefixSearch | None = None,
    ) -> list[Path]:
        """One path for each text, with the probability of all its paths; the best one first.

        Args:
            log_probs: As returned by `prepared`.
            spotted: Phrases that hypotheses may contain besides what the search finds.
            search: As in `decode`; without spotted phrases.
        """
        if spotted:
            num_labels = self.alphabet.num_labels
            search = SpottedSearch(self._fusion, self.config, num_labels, spotted)
        elif search is None:
            search = self.start()
        search.advance(log_probs[search.num_frames :])
        return self._ranked(search.finish(), self._fusion.is_open and not spotted)

    def _ranked(self, paths: list[Path], is_unique: bool) -> list[Path]:
        """One path for each text, the best one first.

        Args:
            is_unique: Whether their hashes tell texts apart.
        """
        by_text: dict[int | str, list[Path]] = {}
        for path in paths:
            key = path.hash if is_unique else self.text(path)
            by_text.setdefault(key, []).append(path)
        return sorted(map(_merged, by_text.values()), key=_rank)

    def with_hot_words(self, log_probs: NDArray[np.float32], found: list[Path]) -> list[Path]:
        """The paths found without hot words or, if a path with one is better, all of both kinds.

        Args:
            log_probs: As returned by `prepared`.
            found: The paths that `search` has found without hot words.
        """
        spotted = self._spot(log_probs, self._hypothesis(found[0])) if self._hot_words else []
        if not spotted:
            return found
        by_text = {self.text(path): path for path in found}
        for path in self.search(log_probs, spotted):
            num_labels = self._hot_words.num_labels(path.words)
            least = found[0].log_prob - self._hot_words.most(MAX_TOTAL_LOSS, num_labels)
            if num_labels and path.log_prob >= least:
                text = self.text(path)
                by_text[text] = max(by_text.get(text, path), path, key=lambda p: p.score)
        ranked = sorted(by_text.values(), key=_rank)
        return ranked if _has_spotted(ranked[0]) else found

    def spotted(self, log_probs: NDArray[np.float32], best: BeamHypothesis) -> list[SpottedPhrase]:
        """Hot words that may be spoken; [] if there is none that a hypothesis does not have.

        Args:
            log_probs: As in decode.
        """
        return self._spot(self.prepared(log_probs), best) if self._hot_words else []

    def ends_within_phrase(self, log_probs: NDArray[np.float32]) -> bool:
        """Whether an utterance so far ends with the first words of a hot phrase.

        Args:
            log_probs: As in decode.
        """
        return self._hot_words.beginnings.are_at_end(self.prepared(log_probs))

    def _spot(self, log_probs: NDArray[np.float32], best: BeamHypothesis) -> list[SpottedPhrase]:
        """The hot words spotted in the log-probabilities, from the best hypothesis without them."""
        frames = align(log_probs, best.labels)
        path = np.full(len(log_probs), BLANK)
        for label, (start, stop) in zip(best.labels, frames, strict=True):
            path[start:stop] = label
        words = zip(best.text.split(), best.spans, strict=True)
        found = [(word, frames[i][0], frames[j - 1][1]) for word, (i, j) in words]
        return self._hot_words.spot(log_probs, path, found)

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
            _has_spotted(path),
        )

    def _best_path(self, log_probs: NDArray[np.float32]) -> BeamHypothesis:
        """The hypothesis of the best path, which a narrow beam may have lost."""
        best = greedy_decode(log_probs, self.alphabet, frame_seconds=1.0)
        labels = self.alphabet.encode(best.text)
        spans = self._spans(self._word_ends(labels, []))
        return BeamHypothesis(best.text, tuple(labels), spans, best.log_prob, 0.0, best.log_prob)

    def _word_ends(self, labels: list[int], words: list[int]) -> list[int]:
        """For each word, the position after its last label."""
        if not self._fusion.is_open:
            return [i for i, word in enumerate(words) if word != NO_WORD]
        if self._fusion.boundary:
            ends = [i for i, label in enumerate(labels) if label == self._fusion.boundary]
            return ends if labels[-1:] in ([], [self._fusion.boundary]) else [*ends, len(labels)]
        if self.alphabet.separator:  # each phone is a word, as in greedy decoding
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


def _rank(path: Path) -> tuple[float, list[int], list[int]]:
    """Sorts the best path first; homophones of equal scores in the order of the lexicon."""
    return -path.score, path.labels, path.words


def _has_spotted(path: Path) -> bool:
    return min(path.words) < NO_WORD


def _merged(paths: list[Path]) -> Path:
    """The best of the paths of a text, with the probability of all of them."""
    best = max(paths, key=lambda path: path.score)
    if len(paths) == 1:
        return best
    # In two ways by the same labels only where words are divided otherwise: that counts once. What
    # has made a detour are paths that count already.
    distinct: dict[tuple[int, ...], float] = {}
    with_spotted = -np.inf
    for path in paths:
        if _has_spotted(path):
            with_spotted = max(with_spotted, path.log_prob)
        else:
            distinct[tuple(path.labels)] = path.log_prob
    log_prob = max(with_spotted, float(np.logaddexp.reduce(list(distinct.values()))))
    return replace(best, log_prob=log_prob, score=best.score - best.log_prob + log_prob)
