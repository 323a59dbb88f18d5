"""From the segments of a recording to one transcript."""

from collections.abc import Iterable, Sequence

import numpy as np

from speechlstm.acoustic import AcousticModel
from speechlstm.audio import Audio
from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.decoding.words import frame_times, spelled_words
from speechlstm.errors import DataError
from speechlstm.text.targets import encode_target
from speechlstm.transcript import Hypothesis, Transcript

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


def align_segments(segments: Segments, model: AcousticModel, text: str, where: str) -> Transcript:
    """Align a text with the segments of a recording.

    Args:
        segments: The segments.
        model: Computes the log-probabilities of characters.
        text: The text, which is normalised first.
        where: The name of the recording, for errors.

    Raises:
        AlphabetError: The text has symbols that the alphabet lacks.
        InfeasibleTargetError: The text is too long for the recording.
        DataError: The text has no word, or the recording cannot be decoded.
    """
    outputs, times = [], [np.zeros(1)]
    for start, audio in segments:
        outputs.append(model.log_probs(audio))
        ends = frame_times(len(outputs[-1]), model.frame_seconds, audio.duration)[1:]
        times.append(start + ends)
    log_probs, bounds = np.concatenate(outputs), np.concatenate(times)
    labels = encode_target(text, model.alphabet, len(log_probs), where)
    if not labels:
        raise DataError(f"{where}: the text has no word to align")
    spelled = spelled_words(labels, model.alphabet)
    hypothesis = aligned_hypothesis(log_probs, labels, spelled, bounds)
    return Transcript((hypothesis,), float(bounds[-1]))
