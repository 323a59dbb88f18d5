"""Reads files of transcripts to be scored, in the usual formats of speech recognition."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from speechlstm.corpora.manifest import MANIFEST_SUFFIXES, Manifest
from speechlstm.errors import DataError
from speechlstm.storage import open_any, parse_json, text_lines

# The text of an STM segment, in any case: see sclite's manual.
_IGNORED_SEGMENT = "ignore_time_segment_in_scoring"

_TRN_ID = re.compile(r"^(?P<text>.*)\((?P<id>[^()\s]+)\)\s*$")
_STM_LABEL = re.compile(r"^<[^<>]*>\s*")
_SENTENCE_ENDS = re.compile(r"</?s>")  # in CMU's transcripts
_SUBTITLES = (".srt", ".vtt", ".textgrid")


@dataclass(frozen=True)
class TranscriptEntry:
    """One text of a file.

    Attributes:
        id: Identifies the utterance or the recording; None if the file has no ids.
        text: The reference or hypothesis; None for an entry of a manifest without a text.
        speaker: Identifies the speaker; None: not known.
        word_times: The middle of each word of the text in seconds; None: not known.
        ignored: Spans of the recording, in seconds, whose words are not scored.
    """

    id: str | None
    text: str | None
    speaker: str | None = None
    word_times: tuple[float, ...] | None = None
    ignored: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class TranscriptFile:
    """The texts of a file, in its order.

    Attributes:
        transcribed: The entries with a text, which may be empty (silence).
        untranscribed: The entries of a manifest without a text.
        omits_silence: Whether the format leaves out recordings without words.
    """

    path: Path
    transcribed: tuple[TranscriptEntry, ...]
    untranscribed: tuple[TranscriptEntry, ...] = ()
    omits_silence: bool = False

    @property
    def has_ids(self) -> bool:
        """Whether the texts have ids."""
        return any(entry.id is not None for entry in (*self.transcribed, *self.untranscribed))

    def ids(self) -> list[str]:
        """The ids of all texts.

        Raises:
            DataError: An id occurs twice.
        """
        counts = Counter(entry.id or "" for entry in (*self.transcribed, *self.untranscribed))
        for name, count in counts.items():
            if count > 1:
                raise DataError(f"{self.path}: has {count} texts with the id {name!r}")
        return list(counts)


def read_transcript_file(
    path: Path | str, with_ids: bool = False, readable: bool = False
) -> TranscriptFile:
    """Read the texts of a file.

    The suffix determines the format. .jsonl, .json and .csv are manifests, or (the first two) the
    output of `speechlstm transcribe`, or objects with an id and a text. .trn, .stm and .ctm are the
    formats of NIST's sclite (see its manual, "infmts"). Other files have one text a line; if every
    line has a tab, the recording's name is before it, as in the output of `transcribe` for several
    files.

    >>> read_transcript_file("data/samples/date.txt").transcribed[0].text
    'july fourth seventeen seventy six'

    Args:
        path: The file; -: standard input, as a text.
        with_ids: Whether the lines of a text file begin with an id and a space, as in Kaldi's
            `text`.
        readable: Whether to take the readable text from the JSON of `speechlstm transcribe`, if it
            holds any.

    Raises:
        DataError: The file cannot be read, has another format than its suffix says, or is a format
            that is not scored (subtitles).
        ManifestError: As in iterating over a manifest.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in _SUBTITLES:
        raise DataError(
            f"{path}: subtitles and TextGrids cannot be scored; give text, JSON, CTM or STM"
        )
    if suffix in (".json", ".jsonl") and (key := _name_key(path)):
        entries: Iterable[TranscriptEntry] = _read_texts_as_json(path, key, readable)
    elif suffix in MANIFEST_SUFFIXES:
        entries = (TranscriptEntry(u.id, u.text, u.speaker) for u in Manifest(path))
    elif suffix in _NIST_FORMATS:
        entries = _NIST_FORMATS[suffix](path)
    else:
        entries = _read_lines(path, with_ids)
    found = tuple(entries)
    return TranscriptFile(
        path,
        tuple(entry for entry in found if entry.text is not None),
        tuple(entry for entry in found if entry.text is None),
        omits_silence=suffix == ".ctm",
    )


def _read_lines(path: Path, with_ids: bool) -> list[TranscriptEntry]:
    lines = [line for _, line in _lines(path)]
    filled = [line for line in lines if line.strip()]
    if filled and _is_json_object(filled[0]):
        raise DataError(
            f"{path}: is JSON, not text; give a file whose name ends in .jsonl or .json"
        )
    if filled and all("\t" in line for line in filled):
        named = (line.partition("\t") for line in filled)
        return [TranscriptEntry(name, text) for name, _, text in named]
    if with_ids:
        fields = (line.split(None, 1) for line in filled)
        return [TranscriptEntry(name, " ".join(text)) for name, *text in fields]
    return [TranscriptEntry(None, line) for line in lines]


def _is_json_object(line: str) -> bool:
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False


def _read_trn(path: Path) -> Iterator[TranscriptEntry]:
    for where, line in _nist_lines(path):
        match = _TRN_ID.match(line)
        if match is None:
            raise DataError(f"{where}: must end in an id in parentheses, as in 'a text (id)'")
        yield TranscriptEntry(match["id"], _SENTENCE_ENDS.sub(" ", match["text"]))


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
        yield TranscriptEntry(
            _recording(name, channel, segments.keys()),
            " ".join(text for *_, text in found if not _is_ignored(text)),
            speakers.pop() if len(speakers) == 1 else None,
            ignored=tuple((s, e) for s, e, _, text in found if _is_ignored(text)),
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


_NIST_FORMATS: dict[str, Callable[[Path], Iterator[TranscriptEntry]]] = {
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
    for number, line in _lines(path):
        if not line.strip() or line.startswith(";;"):
            continue
        if _has_alternatives(line):
            raise DataError(
                f"{path}:{number}: alternatives cannot be scored; keep only one of them"
            )
        yield f"{path}:{number}", line


def _has_alternatives(line: str) -> bool:
    """Whether a line has alternatives, as in "{ a / b }" or between <ALT> in a CTM.

    A regular expression would take a time that is cubic in the number of brackets.
    """
    opened = line.find("{")
    slash = line.find("/", opened) if opened >= 0 else -1
    return (slash >= 0 and line.find("}", slash) >= 0) or "<ALT" in line.upper()


def _name_key(path: Path) -> str | None:
    """The key that names a text in the first line; None if that is the utterance of a manifest.

    It is file in the output of `transcribe --format json`, and id beside a text without audio.
    """
    for _, line in _lines(path):
        if line.strip():
            try:
                values = parse_json(line)
            except ValueError:
                return None
            keys = set(values) if isinstance(values, dict) else set()
            if "file" in keys and "id" not in keys:
                return "file"
            return "id" if {"id", "text"} <= keys and "audio" not in keys else None
    return None


def _read_texts_as_json(path: Path, key: str, readable: bool) -> Iterator[TranscriptEntry]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            values = parse_json(line)
            name, text = values[key], values["text"]
            text = values.get("readable", text) if readable else text
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f"{path}:{number}: not a JSON object with the keys {key} and text"
            ) from None
        if not isinstance(name, str) or not isinstance(text, str):
            raise DataError(f"{path}:{number}: {key} and text must be strings")
        speaker = values.get("speaker") if isinstance(values.get("speaker"), str) else None
        yield TranscriptEntry(name, text, speaker, word_times=_times_of(values.get("words"), text))


def _times_of(words: object, text: str) -> tuple[float, ...] | None:
    """The middle of each word of a text; None: the times of other words are given, or none."""
    try:
        times = tuple((word["start"] + word["end"]) / 2 for word in words)  # type: ignore[attr-defined]
    except (TypeError, KeyError):
        return None
    return times if len(times) == len(text.split()) else None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with open_any(path) as file:
            for line in text_lines(file):
                number += 1
                yield number, line
    except ValueError as error:
        raise DataError(f"{path}:{number + 1}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
