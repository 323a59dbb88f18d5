"""Reads files of transcripts to be scored, in the usual formats of speech recognition."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speechlstm.arguments import StrPath
from speechlstm.corpora.importers.found import Found
from speechlstm.corpora.importers.subtitles import read_subtitles
from speechlstm.corpora.importers.textgrid import read_textgrid
from speechlstm.corpora.manifest import MANIFEST_SUFFIXES, Manifest
from speechlstm.errors import DataError, quoted
from speechlstm.evaluation.nist_files import NIST_FORMATS
from speechlstm.evaluation.transcript_entry import TranscriptEntry, numbered_lines
from speechlstm.storage import parse_json

_TIMED: dict[str, Callable[[Path], Iterator[Found | DataError]]] = {
    ".srt": read_subtitles,
    ".vtt": read_subtitles,
    ".textgrid": read_textgrid,
}
# What whisper and OpenAI's API answer: the text of one recording, without its name.
_ANSWER = frozenset(
    ("text", "segments", "words", "language", "duration", "task", "usage", "logprobs")
)
_WHISPER_CPP = frozenset(("result", "transcription"))  # has segments only


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
    path: StrPath, with_ids: bool = False, readable: bool = False
) -> TranscriptFile:
    """Read the texts of a file.

    The suffix determines the format. .jsonl, .json and .csv are manifests, or (the first two) the
    output of `speechlstm transcribe`, answers of whisper, whisper.cpp or OpenAI's API, or objects
    with an id and a text; each takes a line, but a .json may be one object over several. .trn, .stm
    and .ctm are the formats of NIST's sclite (see its manual, "infmts"). .srt and .vtt, and
    .TextGrid with a single tier, hold one text, in the order of its times. Other files have one
    text a line; if every line has a tab, the recording's name is before it, as in the output of
    `transcribe` for several files.

    >>> read_transcript_file("data/samples/date.txt").transcribed[0].text
    'july fourth seventeen seventy six'

    Args:
        path: The file; -: standard input, as a text.
        with_ids: Whether the lines of a text file begin with an id and a space, as in Kaldi's
            `text`.
        readable: Whether to take the readable text from the JSON of `speechlstm transcribe`, if it
            holds any.

    Raises:
        DataError: The file cannot be read, or has another format than its suffix says.
        ManifestError: As in iterating over a manifest.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in _TIMED:
        entries: Iterable[TranscriptEntry] = (_read_timed(path, _TIMED[suffix]),)
    elif suffix in (".json", ".jsonl") and (key := _name_key(path)) is not None:
        entries = _read_texts_as_json(path, key, readable)
    elif suffix in MANIFEST_SUFFIXES:
        entries = (TranscriptEntry(u.id, u.text, u.speaker) for u in Manifest(path))
    elif suffix in NIST_FORMATS:
        entries = NIST_FORMATS[suffix](path)
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
    lines = [line for _, line in numbered_lines(path)]
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


def _read_timed(path: Path, read: Callable[[Path], Iterator[Found | DataError]]) -> TranscriptEntry:
    """The text of subtitles or of a TextGrid."""
    found = []
    for item in read(path):
        if isinstance(item, DataError):
            raise item
        found.append(item)
    tiers = sorted({item.part for item in found if item.part is not None})
    if len(tiers) > 1:
        raise DataError(
            f"{path}: has texts on {len(tiers)} tiers, {', '.join(map(quoted, tiers))}; keep the "
            "one to be scored"
        )
    found.sort(key=lambda item: item.start or 0.0)
    return TranscriptEntry(None, " ".join(item.text for item in found))


def _name_key(path: Path) -> str | None:
    """The key that names a text in the first line; "": none; None: it is that of a manifest.

    It is file in the output of `transcribe --format json`, and id beside a text without audio.
    """
    for _, values in _json_values(path):
        keys = set(values) if isinstance(values, dict) else set()
        if {"utterances", "wer"} <= keys:
            raise DataError(
                f"{path}: is a report of `evaluate` or `score`, of texts that are scored; give "
                "it to `compare`"
            )
        if "file" in keys and "id" not in keys:
            return "file"
        if ("text" in keys and keys <= _ANSWER) or keys >= _WHISPER_CPP:
            return ""
        return "id" if {"id", "text"} <= keys and "audio" not in keys else None
    return None


def _json_values(path: Path) -> Iterator[tuple[int, Any]]:
    """The value of each line, with its number; the last of a .json may take several lines."""
    lines = ((number, line) for number, line in numbered_lines(path) if line.strip())
    for number, line in lines:
        try:
            values = parse_json(line, integers_as_floats=True)  # the times, of any size
        except ValueError as error:
            rest = [line for _, line in lines] if path.suffix.lower() == ".json" else []
            try:
                values = parse_json("\n".join((line, *rest)), integers_as_floats=True)
            except ValueError:
                raise DataError(f"{path}:{number}: {error}; write one object a line") from None
        yield number, values


def _read_texts_as_json(path: Path, key: str, readable: bool) -> Iterator[TranscriptEntry]:
    for number, values in _json_values(path):
        try:
            name, text = values[key] if key else None, _text_in(values, readable)
        except (KeyError, TypeError):
            keys = f"keys {key} and text" if key else "key text"
            raise DataError(f"{path}:{number}: not a JSON object with the {keys}") from None
        if not (isinstance(name, str) or not key) or not isinstance(text, str):
            keys = f"{key} and text must be strings" if key else "text must be a string"
            raise DataError(f"{path}:{number}: {keys}")
        speaker = values.get("speaker") if isinstance(values.get("speaker"), str) else None
        yield TranscriptEntry(name, text, speaker, word_times=_times_of(values.get("words"), text))


def _text_in(values: Any, readable: bool) -> Any:
    if "text" not in values:
        segments = values["transcription"]  # of whisper.cpp: a space is before each word
        return "".join(segment["text"] for segment in segments)
    text = values["text"]
    return values.get("readable", text) if readable else text


def _times_of(words: object, text: str) -> tuple[float, ...] | None:
    """The middle of each word of a text; None: the times of other words are given, or none."""
    try:
        times = tuple((word["start"] + word["end"]) / 2 for word in words)  # type: ignore[attr-defined]
    except (TypeError, KeyError):
        return None
    return times if len(times) == len(text.split()) else None
