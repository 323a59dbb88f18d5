"""Labels and the frames that emit them, as words with times and confidences."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.text.alphabet import Alphabet
from speechlstm.transcript import Word


@dataclass(frozen=True)
class Emission:
    """A label and the frames start..stop - 1 that emit it."""

    label: int
    start: int
    stop: int


def frame_times(
    num_frames: int, frame_seconds: float, duration: float = np.inf
) -> NDArray[np.float64]:
    """Where frames begin and end, in seconds.

    The last frame is centred near the end of the recording or outlasts it; it is shortened to what
    is left of the recording, but at least half a frame.

    Args:
        num_frames: How many there are.
        frame_seconds: From the start of one to that of the next.
        duration: Of the recording; what is later than that is clipped.

    Returns:
        (num_frames + 1,), rising: frame t lasts from the t-th to the one after.
    """
    times = np.arange(num_frames + 1, dtype=np.float64)
    times *= frame_seconds
    times[-1] = min(times[-1], duration)
    times[:-1] = times[:-1].clip(0, max(0, duration - frame_seconds / 2))
    return times


def spelled_words(
    labels: Sequence[int], alphabet: Alphabet
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Words as labels spell them; where each begins in labels, and one past its last label.

    Spaces part words and belong to none; each symbol of an alphabet with a separator (phones) is a
    word of its own.
    """
    symbols = [alphabet.symbols[label - 1] for label in labels]
    if alphabet.separator:
        yield from ((symbol, (i, i + 1)) for i, symbol in enumerate(symbols))
        return
    for word in re.finditer("[^ ]+", "".join(symbols)):
        yield word[0], word.span()


def timed_word(
    text: str,
    emissions: Sequence[Emission],
    log_probs: NDArray[np.float32],
    times: NDArray[np.float64],
) -> Word:
    """A word from the first frame that emits one of its labels to the last one.

    Its confidence is the geometric mean posterior of the frames that emit them.

    Args:
        text: The word.
        emissions: Its labels, at least one.
        log_probs: (num_frames, num_labels), natural logarithms.
        times: (num_frames + 1,): see frame_times.
    """
    emitted = np.concatenate([log_probs[e.start : e.stop, e.label] for e in emissions])
    return Word(
        text,
        float(times[emissions[0].start]),
        float(times[emissions[-1].stop]),
        min(1.0, float(np.exp(emitted.mean(dtype=np.float64)))),
    )
