"""From the segments of a recording to one transcript."""

from collections.abc import Iterable, Sequence

from speechlstm.audio import Audio
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.transcript import Hypothesis

Segments = Iterable[tuple[float, Audio]]  # (start in seconds, waveform); see audio.read_segments


def joined(segments: Iterable[tuple[float, Sequence[Hypothesis]]]) -> tuple[Hypothesis, ...]:
    """The hypotheses of a recording, the best one first, from those of its segments.

    Args:
        segments: The start of each segment in seconds, and its hypotheses, at least one.
    """
    whole = JoinedHypotheses()
    for start, hypotheses in segments:
        whole.add(start, hypotheses)
    return whole.best()
