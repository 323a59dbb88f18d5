"""Best-path decoding: the likeliest label of each frame, repeats collapsed, blanks dropped.

Graves et al., Connectionist temporal classification, ICML 2006, section 3.2.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.log_probs import check_log_probs
from speechlstm.decoding.words import Emission, frame_times, spelled_words, timed_word
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.transcript import Hypothesis


def greedy_decode(
    log_probs: NDArray[np.float32],
    alphabet: Alphabet,
    frame_seconds: float,
    duration: float = np.inf,
) -> Hypothesis:
    """The text of the best path.

    Args:
        log_probs: (num_frames, alphabet.num_labels), natural logarithms; label 0 is the blank.
        alphabet: What labels 1 and up stand for.
        frame_seconds: Seconds from one frame to the next.
        duration: Of the recording in seconds; words end with it.

    Returns:
        The hypothesis; its log_prob is that of the best path, not of all paths of its text. Words:
        see spelled_words and timed_word.

    Raises:
        ValueError: The shape is another, or a row's probabilities do not sum to 1.
    """
    check_log_probs(log_probs, alphabet)
    times = frame_times(len(log_probs), frame_seconds, duration)
    emissions = list(_emissions(log_probs.argmax(axis=1)))
    words = tuple(
        timed_word(text, emissions[start:stop], log_probs, times)
        for text, (start, stop) in spelled_words([e.label for e in emissions], alphabet)
    )
    log_prob = float(log_probs.max(axis=1).sum(dtype=np.float64))
    return Hypothesis(" ".join(word.text for word in words), words, log_prob, score=log_prob)


def _emissions(labels: NDArray[np.intp]) -> Iterator[Emission]:
    edges = np.flatnonzero(np.diff(labels, prepend=-1, append=-1))  # where the label changes
    for start, stop in pairwise(edges):
        if labels[start] != BLANK:
            yield Emission(int(labels[start]), int(start), int(stop))
