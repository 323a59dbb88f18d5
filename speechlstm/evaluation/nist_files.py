"""The formats of NIST's sclite: trn, stm and ctm (see its manual, "infmts")."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from speechlstm.errors import DataError
from speechlstm.evaluation.transcript_entry import TranscriptEntry, numbered_lines

# The text of an STM segment, in any case: see sclite's manual.
_IGNORED_SEGMENT = "ignore_time_segment_in_scoring"

_TRN_ID = re.compile(r"^(?P<text>.*)\((?P<id>[^()\s]+)\)\s*$")
_STM_LABEL = re.compile(r"^<[^<>]*>\s*")
_SENTENCE_ENDS = re.compile(r"</?s>")  # in CMU's transcripts
_OPTIONAL = re.compile(r"\([^()\s]+\)")


def _read_trn(path: Path) -> Iterator[TranscriptEntry]:
    for where, line in _nist_lines(path):
        match = _TRN_ID.match(line)
        if match is None:
            raise DataError(f"{where}: must end in an id in parentheses, as in 'a text (id)'")
        text = _SENTENCE_ENDS.sub(" ", match["text"])
        yield TranscriptEntry(match["id"], text, optional=_optional_words(text))


def _read_stm(path: Path) -> Iterator[TranscriptEntry]:
    """The segments of each recording's channel, joined in the order of their times."""
    segments: defaultdict[tuple[str, str], list[tuple[float, float, str, str]]] = defaultdict(list)
    for where, line in _nist_lines(path):
        fields = line.split(None, 5)
        if len(fields) < 5:
            raise DataError(f"{where}: must have recording, channel, speaker, start, end and text")
        name, channel, speaker, *rest = fields
        start, end = _seconds(rest[:2], where)
        text = _STM_LABEL.sub("", rest[2]) if len(rest) > 2 else ""
        segments[name, channel].append((start, end, speaker, text))
    for (name, channel), found in segments.items():
        found.sort(key=lambda segment: segment[:2])
        speakers = {speaker for _, _, speaker, text in found if not _is_ignored(text)}
        whole = " ".join(text for *_, text in found if not _is_ignored(text))
        yield TranscriptEntry(
            _recording(name, channel, segments.keys()),
            whole,
            speakers.pop() if len(speakers) == 1 else None,
            ignored=tuple((s, e) for s, e, _, text in found if _is_ignored(text)),
            optional=_optional_words(whole),
        )


def _is_ignored(text: str) -> bool:
    return text.strip().casefold() == _IGNORED_SEGMENT


def _read_ctm(path: Path) -> Iterator[TranscriptEntry]:
    """The words of each recording's channel, joined in the order of their times."""
    words: defaultdict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for where, line in _nist_lines(path):
        fields = line.split()
        if len(fields) not in (5, 6):
            raise DataError(f"{where}: must have recording, channel, start, duration and word")
        start, duration = _seconds(fields[2:4], where)
        words[fields[0], fields[1]].append((start + duration / 2, fields[4]))
    for (name, channel), found in words.items():
        found.sort(key=lambda word: word[0])
        times, texts = zip(*found, strict=True)
        recording = _recording(name, channel, words.keys())
        yield TranscriptEntry(recording, " ".join(texts), word_times=times)


NIST_FORMATS: dict[str, Callable[[Path], Iterator[TranscriptEntry]]] = {
    ".trn": _read_trn,
    ".stm": _read_stm,
    ".ctm": _read_ctm,
}


def _recording(name: str, channel: str, all_channels: Set[tuple[str, str]]) -> str:
    """The id of a channel's text: the recording, with the channel if there are several."""
    channels = [c for n, c in all_channels if n == name]
    return name if len(channels) == 1 else f"{name} {channel}"


def _seconds(fields: list[str], where: str) -> tuple[float, float]:
    try:
        first, second = map(float, fields)
        if not math.isfinite(first + second):
            raise ValueError
    except ValueError:
        raise DataError(
            f"{where}: times must be numbers of seconds, are {fields[0]!r}, {fields[1]!r}"
        ) from None
    return first, second


def _nist_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The place and the content of each line that is neither a comment nor empty."""
    for number, line in numbered_lines(path):
        if not line.strip() or line.startswith(";;"):
            continue
        if _has_alternatives(line):
            raise DataError(
                f"{path}:{number}: alternatives cannot be scored; keep only one of them"
            )
        yield f"{path}:{number}", line


def _optional_words(text: str) -> frozenset[int]:
    """The indices of the words in parentheses, which may be left out: (uh)."""
    return frozenset(i for i, word in enumerate(text.split()) if _OPTIONAL.fullmatch(word))


def _has_alternatives(line: str) -> bool:
    """Whether a line has alternatives, as in "{ a / b }" or between <ALT> in a CTM.

    A regular expression would take a time that is cubic in the number of brackets.
    """
    opened = line.find("{")
    slash = line.find("/", opened) if opened >= 0 else -1
    return (slash >= 0 and line.find("}", slash) >= 0) or "<ALT" in line.upper()
