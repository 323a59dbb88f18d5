"""Best-path decoding: the likeliest label of each frame, repeats collapsed, blanks dropped.

Graves et al., Connectionist temporal classification, ICML 2006, section 3.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speechlstm.alphabet import BLANK, Alphabet
from speechlstm.transcript import Hypothesis, Word


@dataclass(frozen=True)
class _Emission:
    """A symbol and the frames start..stop - 1 that emitted it."""

    symbol: str
    start: int
    stop: int


def greedy_decode(
    log_probs: NDArray[np.float32], alphabet: Alphabet, frame_seconds: float
) -> Hypothesis:
    """The text of the best path.

    A word begins with the first frame that emits one of its symbols and ends with the last;
    its confidence is the geometric mean posterior of all frames that emit them. Symbols of an
    alphabet with a separator (phones) are words of their own.

    Args:
        log_probs: (num_frames, alphabet.num_labels), natural logarithms; label 0 is the blank.
        alphabet: What labels 1 and up stand for.
        frame_seconds: Seconds from one frame to the next.

    Returns:
        The hypothesis; its log_prob is that of the best path, not of all paths of its text.

    Raises:
        ValueError: The shape is another, or a row's probabilities do not sum to 1.
    """
    check_log_probs(log_probs, alphabet)
    labels = log_probs.argmax(axis=1)
    best = log_probs.max(axis=1).astype(np.float64)
    words = tuple(
        _word(emissions, best, frame_seconds)
        for emissions in _words(_emissions(labels, alphabet), alphabet)
    )
    return Hypothesis(" ".join(word.text for word in words), words, float(best.sum()))


def check_log_probs(log_probs: NDArray[np.float32], alphabet: Alphabet) -> None:
    """Refuse what is no (num_frames, alphabet.num_labels) matrix of natural log-probabilities.

    Raises:
        ValueError: What was found instead.
    """
    if log_probs.ndim != 2 or log_probs.shape[1] != alphabet.num_labels:
        raise ValueError(
            f"log_probs have the shape {log_probs.shape}, "
            f"the alphabet needs (num_frames, {alphabet.num_labels})"
        )
    with np.errstate(over="ignore"):  # the sum is infinite then, and refused
        sums = np.exp(log_probs, dtype=np.float64).sum(axis=1)
    wrong = np.flatnonzero(~(np.abs(sums - 1) <= 1e-3))  # NaN compares false: wrong too
    if wrong.size:
        raise ValueError(
            f"log_probs must be natural logarithms of probabilities: those of frame {wrong[0]} "
            f"sum to {sums[wrong[0]]:.4g}, not to 1"
        )


def _emissions(labels: NDArray[np.intp], alphabet: Alphabet) -> Iterator[_Emission]:
    edges = np.flatnonzero(np.diff(labels, prepend=-1, append=-1))  # where the label changes
    for start, stop in pairwise(edges):
        if labels[start] != BLANK:
            yield _Emission(alphabet.symbols[labels[start] - 1], int(start), int(stop))


def _words(emissions: Iterator[_Emission], alphabet: Alphabet) -> Iterator[list[_Emission]]:
    word: list[_Emission] = []
    for emission in emissions:
        if alphabet.separator:
            yield [emission]
        elif emission.symbol != " ":
            word.append(emission)
        elif word:
            yield word
            word = []
    if word:
        yield word


def _word(emissions: list[_Emission], best: NDArray[np.float64], frame_seconds: float) -> Word:
    frames = np.concatenate([best[e.start : e.stop] for e in emissions])
    return Word(
        "".join(e.symbol for e in emissions),
        emissions[0].start * frame_seconds,
        emissions[-1].stop * frame_seconds,
        min(1.0, float(np.exp(frames.mean()))),
    )
