"""TED-LIUM: stm/TALK.stm with a timed segment a line, and sph/TALK.sph."""

import re
from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, numbered_lines, piece_id, recording_named
from speechlstm.errors import ManifestError

LOOKED_FOR = "stm/TALK.stm with lines of talk, channel, speaker, start, end, label and text; sph/"
_SPLITS = ("train", "dev", "test")
_LABEL = re.compile(r"<[^>]*>\s*")
_PASSED_OVER = "ignore_time_segment_in_scoring"
_UNKNOWN = "<unk>"  # words that the transcribers could not make out
_SUFFIX = re.compile(r" (?='[a-z]+\b)", re.IGNORECASE)  # "it 's" is one word


def is_tedlium(source: Path) -> bool:
    """Whether a file is an stm, or a folder has some: the corpus, a split, or the folder stm."""
    if source.is_dir():
        return any(
            next(source.glob(f"{depth}*.stm"), None) for depth in ("", "*/", "*/*/", "*/*/*/")
        )
    return source.suffix.lower() == ".stm"


def read_tedlium(source: Path) -> Iterator[Found | ManifestError]:
    """The segments of talks; those without speech or with words not understood are passed over.

    Splits are the folders train, dev and test.

    Raises:
        ManifestError: A file cannot be read.
    """
    files = sorted(source.rglob("*.stm")) if source.is_dir() else [source]
    for path in files:
        names = (folder.name for folder in path.absolute().parents)
        split = next((name for name in names if name in _SPLITS), None)
        channels: set[tuple[str, str]] = set()
        for number, line in numbered_lines(path):
            if not line.startswith(";;"):
                yield from _segment(path, number, line, split, channels)


def _segment(
    path: Path, number: int, line: str, split: str | None, channels: set[tuple[str, str]]
) -> Iterator[Found | ManifestError]:
    fields = line.split(None, 5)
    times = seconds(fields[3:5])
    if len(fields) < 5 or times is None:
        reason = "must be talk, channel, speaker, start, end, label and text"
        yield ManifestError(path, reason, number)
        return
    talk, channel, speaker = fields[:3]
    channels.add((talk, channel))
    if sum(name == talk for name, _ in channels) > 1:
        reason = f"is of channel {channel} of {talk}; write each channel into a file of its own"
        yield ManifestError(path, reason, number)
        return
    label = _LABEL.match(fields[5]) if len(fields) > 5 else None
    is_label = label is not None and not fields[5].startswith(_UNKNOWN)
    text = fields[5][label.end() if is_label and label else 0 :] if len(fields) > 5 else ""
    if _PASSED_OVER in text or _UNKNOWN in text.split():
        return
    start, end = times
    audio = recording_named(_audio_folder(path.parent), talk, ".sph")
    joined = _SUFFIX.sub("", text)
    identity = piece_id(talk, start, end)
    yield Found(f"{path}:{number}", identity, audio, joined, speaker, split, start, end)


def _audio_folder(folder: Path) -> Path:
    """Where the recordings of a folder of stm files are."""
    beside = folder.parent / "sph"
    return beside if beside.is_dir() else folder


def seconds(fields: list[str]) -> tuple[float, float] | None:
    """The start and end of a segment; None if they are not two numbers."""
    try:
        start, end = map(float, fields)
    except ValueError:
        return None
    return start, end
