"""When each word of a known text is spoken in a recording."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import AcousticModel
from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.anchors import align_long
from speechlstm.decoding.words import frame_times, spelled_words
from speechlstm.errors import DataError
from speechlstm.recognizer.segments import Segments
from speechlstm.text.written import WrittenLine, read_written
from speechlstm.transcript import AlignedLine, Transcript, Word

# Below this are 0.5 % of the lines of two words that are spoken in held-out speech of LibriSpeech,
# 3 % in that of Common Voice, and 100 and 90 % of the lines that are not spoken; of lines of four
# words 0 and 1 %, 95 and 92 %: scripts/benchmarks/align.py.
LEAST_CONFIDENCE = 0.07


def doubtful_lines(transcript: Transcript) -> list[AlignedLine]:
    """The lines of an aligned text that do not seem to be spoken."""
    return [line for line in transcript.lines if line.confidence < LEAST_CONFIDENCE]


def align_segments(segments: Segments, model: AcousticModel, text: str, where: str) -> Transcript:
    """Align a text with the segments of a recording.

    Args:
        segments: The segments.
        model: Computes the log-probabilities of characters.
        text: The text, or subtitles: see `speechlstm.text.written`.
        where: The name of the recording, for errors.

    Raises:
        AlphabetError: The text has symbols that the alphabet lacks.
        InfeasibleTargetError: The text is too long for the recording.
        DataError: The text has no word, or too few words in common with a long recording; or the
            recording cannot be decoded.
    """
    log_probs, bounds = _outputs(segments, model)
    lines = read_written(text)
    spoken = " ".join(" ".join(word.spoken) for line in lines for word in line.words)
    labels = model.alphabet.encode(spoken, where)
    if not labels:
        raise DataError(f"{where}: the text has no word to align")
    spans = align_long(log_probs, labels, model.alphabet, where)
    ranges = [span for _, span in spelled_words(labels, model.alphabet)]
    written = list(_written_ranges(lines, ranges))
    hypothesis = aligned_hypothesis(log_probs, labels, written, bounds, spans)
    texts = " ".join(text for text, _ in written)
    duration = float(bounds[-1])
    timed = tuple(_timed_lines(lines, hypothesis.words, duration))
    return Transcript((replace(hypothesis, text=texts),), duration, lines=timed)


def _outputs(
    segments: Segments, model: AcousticModel
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Log-probabilities (num_frames, num_labels), and the times of frames (num_frames + 1,).

    An hour has 14 MB of them with 29 labels.
    """
    outputs, times = [], [np.zeros(1)]
    for start, audio in segments:
        outputs.append(model.log_probs(audio))
        ends = frame_times(len(outputs[-1]), model.frame_seconds, audio.duration)[1:]
        times.append(start + ends)
    return np.concatenate(outputs), np.concatenate(times)


def _written_ranges(
    lines: Sequence[WrittenLine], ranges: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each word as it is written, with the (start, stop) range of its labels.

    Args:
        lines: The lines.
        ranges: Those ranges for each normalised word.
    """
    place = 0
    for line in lines:
        for word in line.words:
            last = place + len(word.spoken) - 1
            yield word.text, (ranges[place][0], ranges[last][1])
            place = last + 1


def _timed_lines(
    lines: Sequence[WrittenLine], words: Sequence[Word], duration: float
) -> Iterator[AlignedLine]:
    """The lines with their times; one without words stands from the one before to the next."""
    place = 0
    for line in lines:
        own = tuple(words[place : place + len(line.words)])
        if own:
            start, end = own[0].start, own[-1].end
        else:
            start = words[place - 1].end if place else 0.0
            end = words[place].start if place < len(words) else duration
        yield AlignedLine(line.text, start, max(start, end), own, line.number)
        place += len(own)
