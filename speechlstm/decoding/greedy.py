"""Greedy (best-path) decoding: the most probable label of each frame, without repeats and blanks.

Graves et al., "Connectionist temporal classification", ICML 2006, section 3.2.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.log_probs import check_log_probs
from speechlstm.decoding.timed_words import Emission, frame_times, spelled_words, timed_word
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.transcript import Hypothesis


def greedy_decode(
    log_probs: NDArray[np.float32],
    alphabet: Alphabet,
    frame_seconds: float,
    duration: float = np.inf,
) -> Hypothesis:
    """The text of the best path.

    >>> from speechlstm.text.alphabet import ENGLISH
    >>> log_probs = np.full((3, ENGLISH.num_labels), np.log(0.001), np.float32)
    >>> log_probs[range(3), [10, 0, 11]] = np.log(0.972)
    >>> greedy_decode(log_probs, ENGLISH, frame_seconds=0.03).text
    'hi'

    Args:
        log_probs: (num_frames, alphabet.num_labels), natural logarithms; label 0 is the blank.
        alphabet: The symbols of labels 1 and up.
        duration: Duration of the recording in seconds; no word ends later.

    Returns:
        The hypothesis. Its log_prob is that of the best path, not of all paths of its text. For the
        words see spelled_words and timed_word.

    Raises:
        ValueError: The array has another shape, or the probabilities of a frame do not sum to 1.
    """
    check_log_probs(log_probs, alphabet)
    times = frame_times(len(log_probs), frame_seconds, duration)
    emissions = best_path_emissions(log_probs)
    words = tuple(
        timed_word(text, emissions[start:stop], log_probs, times)
        for text, (start, stop) in spelled_words([e.label for e in emissions], alphabet)
    )
    log_prob = float(log_probs.max(axis=1).sum(dtype=np.float64))
    return Hypothesis(" ".join(word.text for word in words), words, log_prob, score=log_prob)


def best_path_emissions(log_probs: NDArray[np.float32]) -> list[Emission]:
    """The labels of the best path and the frames that emit them.

    Args:
        log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
    """
    return list(_emissions(log_probs.argmax(axis=1)))


def _emissions(labels: NDArray[np.intp]) -> Iterator[Emission]:
    edges = np.flatnonzero(np.diff(labels, prepend=-1, append=-1))  # where the label changes
    for start, stop in pairwise(edges):
        if labels[start] != BLANK:
            yield Emission(int(labels[start]), int(start), int(stop))
