"""From labels and the frames that emit them to words with times and confidences."""

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
    """The times at which frames begin and end, in seconds.

    The last frame is centred near the end of the recording or goes beyond it. It is shortened to
    the rest of the recording, but not to less than half a frame.

    >>> frame_times(3, 0.5, duration=1.25)
    array([0.  , 0.5 , 1.  , 1.25])

    Args:
        frame_seconds: Seconds from the start of one frame to the start of the next.
        duration: Duration of the recording; later times are clipped.

    Returns:
        (num_frames + 1,), ascending: frame t lasts from times[t] to times[t + 1].
    """
    times = np.arange(num_frames + 1, dtype=np.float64)
    times *= frame_seconds
    times[-1] = min(times[-1], duration)
    times[:-1] = times[:-1].clip(0, max(0, duration - frame_seconds / 2))
    return times


def spelled_words(
    labels: Sequence[int], alphabet: Alphabet
) -> Iterator[tuple[str, tuple[int, int]]]:
    """The words that labels spell, each with the (start, stop) range of its labels.

    Spaces separate words and belong to none. If the alphabet has a separator (phones), each symbol
    is a word of its own.

    >>> from speechlstm.text.alphabet import ENGLISH
    >>> list(spelled_words(ENGLISH.encode("hi you"), ENGLISH))
    [('hi', (0, 2)), ('you', (3, 6))]
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
    """A word that lasts from the first frame that emits one of its labels to the last one.

    Its confidence is the geometric mean posterior of the frames that emit its labels.

    Args:
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
