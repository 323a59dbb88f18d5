"""Beam search as a decoder of recordings: n-best hypotheses, their words timed and judged."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.beam import BeamDecoder, BeamHypothesis
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.decoder import Decoder, calibrated
from speechlstm.decoding.hot_words import Pronunciations
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.rescoring import rescored
from speechlstm.decoding.words import frame_times
from speechlstm.lm.model import LanguageModel, SearchModel
from speechlstm.text.alphabet import Alphabet
from speechlstm.transcript import Hypothesis

NUM_RIVALS = 16  # hypotheses by which the words of one are judged
NUM_RESCORED = 50  # hypotheses that a second language model is asked about
# Of their scores: these add up frames as if they were independent, and are too far apart.
_SHARPNESS = 0.3


class NBestDecoder:
    """Beam search, forced alignment of what it finds, and confidences.

    It may be shared by threads, of which one searches at a time: in Python no two would be faster,
    and the LSTM language model keeps the contexts of one search.

    A word's confidence is the geometric mean posterior of the frames that emit it, times the share
    of the n-best list that has the word in this place, calibrated.

    Args:
        alphabet: What labels stand for.
        frame_seconds: From one frame to the next.
        config: How wide to search, the weights.
        lm: Scores the words; None: all are equal.
        lexicon: How words are spelled; None: by their characters.
        calibration: Makes probabilities of the words' confidences; None leaves them.
        prior: Of the labels; None: it is not known.
        rescorer: Scores the words of the n-best list anew; only beside lm, whose words it has.
        pronunciations: Of hot words that the lexicon lacks.
        plain: Decodes where no hot word is found; None: the search.

    Attributes:
        beam: The search.

    Raises:
        Errors of `BeamDecoder`.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        frame_seconds: float,
        config: DecodeConfig,
        lm: SearchModel | None = None,
        lexicon: LexiconTree | None = None,
        calibration: Calibration | None = None,
        prior: Prior | None = None,
        rescorer: LanguageModel | None = None,
        pronunciations: Pronunciations | None = None,
        plain: Decoder | None = None,
    ) -> None:
        self._frame_seconds, self._calibration, self._plain = frame_seconds, calibration, plain
        self._config, self._lm, self._rescorer = config, lm, rescorer
        num_needed = NUM_RESCORED if rescorer else NUM_RIVALS
        searched = replace(config, num_hypotheses=max(config.num_hypotheses, num_needed))
        self.beam = BeamDecoder(alphabet, searched, lm, lexicon, prior, pronunciations)
        self._lock = Lock()

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""
        return self._calibration is not None

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """At most num_hypotheses: see Decoder."""
        found = self.search(log_probs)
        if self._plain and not found[0].has_hot_words:
            return self._plain.decode(log_probs, duration)
        times = frame_times(len(log_probs), self._frame_seconds, duration)
        judged = (judge(h, found, log_probs, times) for h in found[: self._config.num_hypotheses])
        return [calibrated(hypothesis, self._calibration) for hypothesis in judged]

    def search(self, log_probs: NDArray[np.float32]) -> list[BeamHypothesis]:
        """The n-best list by which words are judged, the best first, at least one.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.

        Raises:
            Errors of `BeamDecoder.decode`.
        """
        with self._lock:
            found = self.beam.decode(log_probs)
            if self._lm and self._rescorer:
                return rescored(found, self._lm, self._rescorer, self._config.lm_weight)
            return found


def judge(
    hypothesis: BeamHypothesis,
    found: Sequence[BeamHypothesis],
    log_probs: NDArray[np.float32],
    times: NDArray[np.float64],
) -> Hypothesis:
    """A hypothesis with the times of its words, and confidences that are not calibrated yet.

    Args:
        hypothesis: One of those found.
        found: The n-best list; the first NUM_RIVALS of it count.
        log_probs: (num_frames, num_labels), natural logarithms, in which it was found.
        times: (num_frames + 1,), seconds: see frame_times.
    """
    spelled = zip(hypothesis.text.split(), hypothesis.spans, strict=True)
    timed = aligned_hypothesis(log_probs, hypothesis.labels, spelled, times)
    shares = _shares(hypothesis.text.split(), found[:NUM_RIVALS])
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


def _shares(words: list[str], rivals: Sequence[BeamHypothesis]) -> list[float]:
    """For each word, 0..1, the probability of the rivals that have it too."""
    scores = _SHARPNESS * np.array([rival.score for rival in rivals])
    probabilities = np.exp(scores - scores.max())
    probabilities /= probabilities.sum()
    shares = np.zeros(len(words))
    for rival, probability in zip(rivals, probabilities, strict=True):
        # Without "junk": in a long text it would pass over common words.
        matcher = SequenceMatcher(None, words, rival.text.split(), autojunk=False)
        for block in matcher.get_matching_blocks():
            shares[block.a : block.a + block.size] += probability
    clipped: list[float] = shares.clip(0, 1).tolist()
    return clipped
