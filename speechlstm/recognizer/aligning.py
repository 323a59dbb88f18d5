"""When each word of a known text is spoken in a recording."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import AcousticModel
from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.anchors import align_long
from speechlstm.decoding.timed_words import frame_times
from speechlstm.errors import AlphabetError, DataError
from speechlstm.recognizer.segments import Segments
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.normalize import without_accents
from speechlstm.text.written import WrittenLine, WrittenWord, read_written
from speechlstm.transcript import AlignedLine, Transcript, Word

# Below this are 0.5 % of the lines of two words that are spoken in held-out speech of LibriSpeech,
# 4.5 % in that of Common Voice, and 100 and 88 % of the lines that are not spoken; of lines of four
# words 0.4 and 4.6 %, 97 and 95 %: scripts/benchmarks/align.py.
LEAST_CONFIDENCE = 0.07
_ANY_LABEL_COST = 0.05  # of a frame, a natural logarithm


def doubtful_lines(transcript: Transcript) -> list[AlignedLine]:
    """The lines of an aligned text that do not seem to be spoken, as a whole or in part."""
    return [
        line
        for line in transcript.lines
        if line.confidence < LEAST_CONFIDENCE or not all(word.is_spoken for word in line.words)
    ]


def align_segments(segments: Segments, model: AcousticModel, text: str, where: str) -> Transcript:
    """Align a text with the segments of a recording.

    Args:
        model: Computes the log-probabilities of characters.
        text: The text, or subtitles: see `speechlstm.text.written`.
        where: The name of the recording, for errors.

    Raises:
        AlphabetError: Most words of the text have letters that the alphabet lacks.
        InfeasibleTargetError: The alphabet has no space, and the text is too long for the
            recording.
        DataError: The text has no word, or no word, in a long recording too few words, in common
            with the recording; or the recording cannot be decoded.
    """
    log_probs, bounds = _outputs(segments, model)
    lines = read_written(text)
    words = [word for line in lines for word in line.words]
    if not words:
        raise DataError(f"{where}: the text has no word to align")
    others = unspellable(words, model.alphabet)
    foreign = [word for word in others if not _missing([word], model.alphabet).isdecimal()]
    if 2 * len(foreign) > len(words):
        raise AlphabetError(_missing(foreign, model.alphabet), where)
    if others:
        log_probs = _with_any_label(log_probs)
    labels, ranges = _labels(words, model.alphabet)
    spans = align_long(log_probs, labels, model.alphabet, where)
    written = [(word.text, span) for word, span in zip(words, ranges, strict=True)]
    hypothesis = aligned_hypothesis(log_probs, labels, written, bounds, spans)
    if not any(word.is_spoken for word in hypothesis.words):
        raise DataError(
            f"{where}: no word of the text seems to be spoken; check that the text belongs to this "
            "recording"
        )
    texts = " ".join(word.text for word in words)
    duration = float(bounds[-1])
    timed = tuple(_timed_lines(lines, hypothesis.words, duration))
    return Transcript((replace(hypothesis, text=texts),), duration, lines=timed)


def unspellable(words: Iterable[WrittenWord], alphabet: Alphabet) -> list[WrittenWord]:
    """The words with symbols that the alphabet lacks, such as figures.

    Their sound is not known. They are aligned with whatever is spoken between their neighbours.
    """
    return [word for word in words if _spelled(word, alphabet) is None]


def _missing(words: Iterable[WrittenWord], alphabet: Alphabet) -> str:
    """The characters of words that the alphabet lacks, in order."""
    return "".join(
        sorted({c for word in words for c in "".join(word.spoken)} - {*alphabet.symbols})
    )


def _spelled(word: WrittenWord, alphabet: Alphabet) -> str | None:
    """The word as the alphabet can spell it, without accents if need be; None: it cannot."""
    text, known = " ".join(word.spoken), {" ", *alphabet.symbols}
    if alphabet.separator:  # each symbol is a word
        return text if known.issuperset(word.spoken) else None
    return next((way for way in (text, without_accents(text)) if way and set(way) <= known), None)


def _labels(
    words: Sequence[WrittenWord], alphabet: Alphabet
) -> tuple[list[int], list[tuple[int, int]]]:
    """The labels of words, and the (start, stop) range of each; for others, see _with_any_label."""
    labels: list[int] = []
    ranges = []
    for word in words:
        spelled = _spelled(word, alphabet)
        own = [alphabet.num_labels] if spelled is None else alphabet.encode(spelled)
        if labels and alphabet.space:
            labels.append(alphabet.space)
        ranges.append((len(labels), len(labels) + len(own)))
        labels += own
    return labels, ranges


def _with_any_label(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """With one more label, which fits any sound: it is nearly as probable as the best label.

    Pratap et al., "Scaling speech technology to 1,000+ languages", JMLR 2024, section 3.1.5, have
    such a label ("star"). Where nothing is spoken, the blank is better.
    """
    any_label = log_probs.max(axis=1, keepdims=True) - np.float32(_ANY_LABEL_COST)
    return np.concatenate((log_probs, any_label), axis=1)


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


def _timed_lines(
    lines: Sequence[WrittenLine], words: Sequence[Word], duration: float
) -> Iterator[AlignedLine]:
    """The lines with their times; one that is not spoken stands from the one before to the next."""
    following = [duration]  # for each word, where it or the next one that is spoken begins
    for word in reversed(words):
        following.append(word.start if word.is_spoken else following[-1])
    following.reverse()
    place, last_end = 0, 0.0
    for line in lines:
        own = tuple(words[place : place + len(line.words)])
        place += len(own)
        if spoken := [word for word in own if word.is_spoken]:
            start, last_end = spoken[0].start, spoken[-1].end
            end = last_end
        else:
            start, end = last_end, following[place]
        yield AlignedLine(line.text, start, max(start, end), own, line.number)
