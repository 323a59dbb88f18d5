"""The decoder with beam search: n-best hypotheses, whose words have times and confidences."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import islice
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.beam import BeamDecoder, BeamHypothesis
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.decoder import Decoder, IncrementalDecoding, calibrated
from speechlstm.decoding.grammar import PhraseGrammar
from speechlstm.decoding.plausibility import single_words
from speechlstm.decoding.search import PrefixSearch
from speechlstm.decoding.sentences import SentenceSearch
from speechlstm.decoding.timed_words import frame_times
from speechlstm.lm.model import LanguageModel
from speechlstm.transcript import Hypothesis, Word

NUM_RIVALS = 16  # hypotheses that the confidences of words are computed from
NUM_RESCORED = 50  # hypotheses that are rescored
# Hypotheses of the search whose result is replaced soon, in live recognition.
_PREVIEW_BEAM_WIDTH = 48
# Scales the scores, whose differences are too large because frames are scored as independent.
_SHARPNESS = 0.3


class NBestDecoder:
    """Beam search, forced alignment of its hypotheses, and confidences of their words.

    Threads may share one. They search one at a time, because in Python two would not be faster, and
    because the LSTM language model caches the contexts of one search.

    The confidence of a word is the geometric mean posterior of the frames that emit it, times the
    share of the n-best list that has the word in this place; then it is calibrated.

    Args:
        calibration: Maps the words' confidences to probabilities; None: no calibration.
        rescoring_lm: Rescores the n-best list. It is used only if the search has a language model,
            and has the same words.
        plain: The decoder for utterances in which no hot word is found; None: the search.
        grammar: The language model of the search, if only its phrases are possible.
    """

    def __init__(
        self,
        beam: BeamDecoder,
        frame_seconds: float,
        calibration: Calibration | None = None,
        rescoring_lm: LanguageModel | None = None,
        plain: Decoder | None = None,
        grammar: PhraseGrammar | None = None,
    ) -> None:
        self.beam, self._frame_seconds, self._calibration = beam, frame_seconds, calibration
        self._rescoring_lm, self._plain, self._grammar = rescoring_lm, plain, grammar
        num_needed = NUM_RESCORED if rescoring_lm else NUM_RIVALS
        self._num_searched = max(beam.config.num_hypotheses, num_needed)
        has_sentences = beam.lm is not None and grammar is None
        pause = beam.config.sentence_pause
        self._num_blanks = round(pause / frame_seconds) if has_sentences else 0
        self._lock = Lock()

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""
        return self._calibration is not None

    def decode(
        self, log_probs: NDArray[np.float32], duration: float, search: SentenceSearch | None = None
    ) -> list[Hypothesis]:
        """At most num_hypotheses hypotheses: see Decoder.

        Args:
            log_probs: As in Decoder.
            duration: As in Decoder.
            search: As in `search`.
        """
        n_best = self.search(log_probs, search)
        if self._plain and not n_best[0].has_hot_words:
            return self._plain.decode(log_probs, duration)
        timed = self.timed(n_best, log_probs, duration)
        return list(islice(timed, self.beam.config.num_hypotheses))

    def timed(
        self, n_best: Sequence[BeamHypothesis], log_probs: NDArray[np.float32], duration: float
    ) -> Iterator[Hypothesis]:
        """The hypotheses of an n-best list, with the times and confidences of their words.

        Args:
            n_best: As returned by search.
            log_probs: As in search.
            duration: As in decode.
        """
        times = frame_times(len(log_probs), self._frame_seconds, duration)
        timed = (with_times_and_confidences(h, n_best, log_probs, times) for h in n_best)
        allowed = self._grammar.allowed(timed) if self._grammar else timed
        return (calibrated(hypothesis, self._calibration) for hypothesis in allowed)

    def incremental(self) -> IncrementalDecoding:
        """See Decoder."""
        return _IncrementalSearch(self)

    def units(self, words: Sequence[Word]) -> list[Sequence[Word]]:
        """See Decoder."""
        return self._grammar.units(words) if self._grammar else single_words(words)

    def start(self) -> SentenceSearch:
        """A search that has passed no frame of an utterance yet."""
        return SentenceSearch(self.beam, self._decode_sentence, self._num_blanks)

    def advance(
        self, search: SentenceSearch, log_probs: NDArray[np.float32], num_frames: int
    ) -> None:
        """Continue a search until it has passed num_frames frames of an utterance."""
        with self._lock:
            search.advance(log_probs, num_frames)

    def preview(
        self, log_probs: NDArray[np.float32], duration: float, search: SentenceSearch
    ) -> Hypothesis:
        """The best hypothesis so far, without rescoring and hot words: see `decode`."""
        with self._lock:
            n_best = search.preview(log_probs, NUM_RIVALS)
        times = frame_times(len(log_probs), self._frame_seconds, duration)
        best = with_times_and_confidences(n_best[0], n_best, log_probs, times)
        if self._grammar:  # the last phrase may not be complete yet
            best = self._grammar.with_unknown(best)
        return calibrated(best, self._calibration)

    def ends_within_phrase(self, log_probs: NDArray[np.float32], search: SentenceSearch) -> bool:
        """Whether an utterance so far ends with some of a hot phrase or of one of a grammar.

        What is a phrase of a grammar and begins a longer one as well is whole.

        Args:
            log_probs: As in `search`.
            search: A search that has passed the first of these frames; it is finished.
        """
        if not self._grammar:
            return self.beam.ends_within_phrase(log_probs)
        with self._lock:
            best, *_ = search.preview(log_probs, 1)
        return self._grammar.ends_within_phrase(best.text.split())

    def search(
        self, log_probs: NDArray[np.float32], search: SentenceSearch | None = None
    ) -> list[BeamHypothesis]:
        """The n-best list that confidences are computed from, the best hypothesis first.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
            search: A search, made by `start`, that has passed the first of these frames; it is
                finished. None: a new one.

        Returns:
            At least one hypothesis.

        Raises:
            ValueError: As in `BeamDecoder.decode`.
        """
        with self._lock:
            return (search or self.start()).finish(log_probs)

    def _decode_sentence(
        self, log_probs: NDArray[np.float32], search: PrefixSearch
    ) -> list[BeamHypothesis]:
        """The n-best list of a sentence: see BeamDecoder.decode."""
        n_best = self.beam.decode(log_probs, search, self._num_searched)
        if self.beam.lm and self._rescoring_lm:
            lm_weight = self.beam.config.lm_weight
            return rescored(n_best, self.beam.lm, self._rescoring_lm, lm_weight)
        return n_best


class _IncrementalSearch:
    """Decodes an utterance while it is spoken, by a search that continues from a kept state.

    Previews search in a narrower beam.
    """

    def __init__(self, decoder: NBestDecoder) -> None:
        self._decoder, config = decoder, decoder.beam.config
        width = min(_PREVIEW_BEAM_WIDTH, config.beam_width)
        self._narrow = replace(config, beam_width=width)
        self._settled = self._drafted = decoder.start()
        self._preview = self._settled.fork(self._narrow)

    def settle(self, log_probs: NDArray[np.float32], num_settled: int, num_drafted: int) -> None:
        """See IncrementalDecoding."""
        self._decoder.advance(self._settled, log_probs, num_settled)
        self._drafted = self._settled.fork()
        self._decoder.advance(self._drafted, log_probs, num_drafted)
        self._preview = self._drafted.fork(self._narrow)

    def preview(
        self, log_probs: NDArray[np.float32], duration: float, num_drafted: int
    ) -> Hypothesis:
        """See IncrementalDecoding."""
        self._decoder.advance(self._preview, log_probs, num_drafted)
        return self._decoder.preview(log_probs, duration, self._preview.fork())

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """See IncrementalDecoding."""
        return self._decoder.decode(log_probs, duration, self._drafted.fork())

    def ends_within_phrase(self, log_probs: NDArray[np.float32]) -> bool:
        """See IncrementalDecoding."""
        return self._decoder.ends_within_phrase(log_probs, self._drafted.fork())


def with_times_and_confidences(
    hypothesis: BeamHypothesis,
    n_best: Sequence[BeamHypothesis],
    log_probs: NDArray[np.float32],
    times: NDArray[np.float64],
) -> Hypothesis:
    """A hypothesis with the times of its words, and with uncalibrated confidences.

    Args:
        hypothesis: A hypothesis of the n-best list.
        n_best: The n-best list; the first NUM_RIVALS hypotheses are used.
        log_probs: (num_frames, num_labels), natural logarithms, from which it was found.
        times: (num_frames + 1,), in seconds: see frame_times.
    """
    spelled = zip(hypothesis.text.split(), hypothesis.spans, strict=True)
    timed = aligned_hypothesis(log_probs, hypothesis.labels, spelled, times)
    shares = _shares(hypothesis.text.split(), n_best[:NUM_RIVALS])
    return Hypothesis(
        hypothesis.text,
        tuple(
            replace(word, confidence=word.confidence * share)
            for word, share in zip(timed.words, shares, strict=True)
        ),
        hypothesis.log_prob,
        hypothesis.lm_log_prob,
        hypothesis.score,
    )


def probabilities(scores: Sequence[float]) -> NDArray[np.float64]:
    """The probability of each hypothesis of an n-best list, given that one of them is right."""
    sharpened = _SHARPNESS * np.array(scores)
    unscaled = np.exp(sharpened - sharpened.max())
    return np.asarray(unscaled / unscaled.sum())


def _shares(words: list[str], rivals: Sequence[BeamHypothesis]) -> list[float]:
    """For each word, the probability, 0..1, of those rivals that have it in the same place."""
    shares = np.zeros(len(words))
    scores = [rival.score for rival in rivals]
    for rival, probability in zip(rivals, probabilities(scores), strict=True):
        # Without autojunk, which skips common words in long texts.
        matcher = SequenceMatcher(None, words, rival.text.split(), autojunk=False)
        for block in matcher.get_matching_blocks():
            shares[block.a : block.a + block.size] += probability
    clipped: list[float] = shares.clip(0, 1).tolist()
    return clipped


def rescored(
    n_best: Sequence[BeamHypothesis], first: LanguageModel, second: LanguageModel, lm_weight: float
) -> list[BeamHypothesis]:
    """The hypotheses with the scores that another language model gives their words, best first.

    Args:
        n_best: The hypotheses.
        first: The language model that their scores are from.
        second: The other one, with the same words.
        lm_weight: The weight of the language model in the scores: see DecodeConfig.
    """
    texts = [hypothesis.text.split() for hypothesis in n_best]
    gains = second.sentence_log_probs(texts)[0] - first.sentence_log_probs(texts)[0]
    hypotheses = (
        replace(h, lm_log_prob=h.lm_log_prob + gain, score=h.score + lm_weight * gain)
        for h, gain in zip(n_best, gains.tolist(), strict=True)
    )
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)
