"""Manifests: lists of recordings and their transcripts."""

import math
import os
from collections.abc import Iterable, Iterator, Set
from dataclasses import asdict, fields, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from speechlstm.arguments import StrPath
from speechlstm.audio import Piece
from speechlstm.corpora.columns import Utterances
from speechlstm.corpora.importers import IMPORTERS
from speechlstm.corpora.utterance import Utterance as Utterance
from speechlstm.errors import ManifestError, quoted, writable
from speechlstm.storage import (
    address_in,
    address_of,
    open_regular_file,
    parse_json,
    read_address,
    utf8_lines,
    without_query,
    write_atomically,
)
from speechlstm.transcript.formats import json_line

SHARD_LIST = "manifest.jsonl"  # in a folder of shards
MANIFEST_SUFFIXES = (".jsonl", ".json", *IMPORTERS)  # other files are plain texts


class Manifest:
    """A manifest on disk. It is read line by line, each time it is iterated over.

    It has JSON lines with the keys of `Utterance`, or another corpus format, which is detected by
    its suffix: see `speechlstm.corpora.importers`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_manifest(Path(folder, "all.jsonl"), [Utterance("a1", "a1.wav", 1.5, "yes")])
    ...     [utterance.text for utterance in Manifest(Path(folder, "all.jsonl"))]
    ['yes']

    Args:
        path: The manifest, or a folder of shards (see `speechlstm.corpora.shards`); a file or an
            address (see `speechlstm.storage.remote`).
    """

    def __init__(self, path: StrPath) -> None:
        self.path, path = Path(path), os.fspath(path)
        is_list = Path(without_query(path)).suffix.lower() in MANIFEST_SUFFIXES
        if (self.path / SHARD_LIST).is_file() or (address_of(path) and not is_list):
            self.path /= SHARD_LIST

    def __iter__(self) -> Iterator[Utterance]:
        """The utterances, in the order of their lines.

        Raises:
            ManifestError: A line is not an utterance or repeats an id, or the file cannot be read
                or has no utterance.
        """
        for entry in self.entries():
            if isinstance(entry, ManifestError):
                raise entry
            yield entry

    def entries(self) -> Iterator[Utterance | ManifestError]:
        """The utterance of each line or the error in it; last, an error of the whole file."""
        lines: dict[str, int] = {}  # by id
        importer = IMPORTERS.get(self.path.suffix.lower())
        parsed = importer(self.path) if importer else self._parse_json()
        line = 0
        try:
            for line, entry in parsed:
                if isinstance(entry, Utterance) and lines.setdefault(entry.id, line) != line:
                    reason = f"id {quoted(entry.id)} is already on line {lines[entry.id]}"
                    yield ManifestError(self.path, reason, line)
                else:
                    yield entry
            if not line:
                yield ManifestError(self.path, "has no utterance")
        except IsADirectoryError as error:
            reason = f"cannot be read: {error.strerror}; speechlstm manifest build lists a folder"
            yield ManifestError(self.path, reason)
        except OSError as error:
            yield ManifestError(self.path, f"cannot be read: {error.strerror}")
        except ValueError as error:  # a line without an end, damaged UTF-16
            yield ManifestError(self.path, f"{error}", line + 1)

    @cached_property
    def utterances(self) -> Utterances:
        """All utterances, which are read once and kept, even if there are a million.

        Raises:
            ManifestError: As in iterating over it.
        """
        return Utterances(self)

    def recording(self, utterance: Utterance) -> Path | Piece:
        """What to read for an utterance: a recording, or a piece of a long one."""
        return recording_of(utterance, self.folder)

    @property
    def folder(self) -> Path:
        """The folder that audio paths are relative to."""
        return Path(without_query(self.path)).parent

    def moved_to(self, folder: Path, utterance: Utterance) -> Utterance:
        """The utterance for a manifest in another folder, with its audio path relative to that."""
        if Path(utterance.audio).is_absolute():
            return utterance
        if address := address_in(self.folder, utterance.audio):
            return replace(utterance, audio=address)
        audio = self.folder.resolve() / utterance.audio
        return replace(utterance, audio=os.path.relpath(audio, folder.resolve()))

    def _parse_json(self) -> Iterator[tuple[int, Utterance | ManifestError]]:
        # As bytes, so that lines end only at \n and errors stay within their line.
        address = address_of(self.path)
        with BytesIO(read_address(address)) if address else open_regular_file(self.path) as file:
            for line, content in enumerate(utf8_lines(file), start=1):
                if b"\0" in content:  # said once: a recording has hundreds of such lines
                    raise ValueError("has zero bytes: not a manifest, or damaged")
                if content.strip():
                    try:
                        yield line, _parse_line(content)
                    except ValueError as error:
                        yield line, ManifestError(self.path, str(error), line)


def recording_of(utterance: Utterance, folder: Path) -> Path | Piece:
    """What to read for an utterance of a manifest in a folder: see `Manifest.recording`."""
    path = Path(place_of(utterance.audio, f"{folder}"))
    if utterance.offset is None:
        return path
    return Piece(path, utterance.offset, utterance.duration)


def place_of(audio: str, folder: str) -> str:
    """The path of a recording; to make a Path for each of a million recordings takes seconds."""
    return address_in(folder, audio) or os.path.join(folder, audio)  # noqa: PTH118


def write_manifest(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write utterances as JSON lines. The file is written completely or not at all.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_manifest(Path(folder, "all.jsonl"), [Utterance("a1", "a1.wav", 1.5, "yes")])
    ...     print(Path(folder, "all.jsonl").read_text(), end="")
    {"id": "a1", "audio": "a1.wav", "duration": 1.5, "text": "yes"}

    Args:
        path: The manifest; its folder must exist.
        utterances: In the order of the lines. Keys whose value is None are omitted.

    Raises:
        ManifestError: Two utterances have the same id.
    """
    ids: set[str] = set()
    lines = bytearray()  # a million strings would take three times as much memory
    for utterance in utterances:
        if utterance.id in ids:
            raise ManifestError(
                path, f"not written: two utterances have the id {quoted(utterance.id)}"
            )
        ids.add(utterance.id)
        values = {key: value for key, value in asdict(utterance).items() if value is not None}
        lines += f"{json_line(values)}\n".encode()
    write_atomically(path, lines)


_KEYS = tuple(f.name for f in fields(Utterance))
_KNOWN, _NEEDED = frozenset(_KEYS), frozenset(("id", "audio", "duration"))
_OUTPUTS = {  # keys in what commands print as JSON, and what that is
    ("wer", "utterances"): "a report of `evaluate` or `score`, which `compare` reads",
    ("systems", "pairs"): "the output of `compare`, which no command reads",
    ("file", "text", "words"): "the output of `transcribe`, which `score` reads",
    ("segment", "text"): "the output of `listen`, which no command reads",
}
_STRING_OR_NULL = (str, type(None))  # to make `str | None` for each line takes longer


def _parse_line(content: bytes) -> Utterance:
    """The utterance in a line of JSON; the ValueError of a wrong line says what is wrong."""
    values = parse_json(content, integers_as_floats=True)
    if not isinstance(values, dict):
        raise ValueError(f"not a JSON object with the keys {', '.join(_KEYS)}")
    _check_keys(values)
    return Utterance(**values)


def _check_keys(values: dict[str, Any]) -> None:
    if not values.keys() <= _KNOWN:
        raise ValueError(_unknown(values.keys()))
    if not values.keys() >= _NEEDED:
        lacking = min(_NEEDED - values.keys(), key=_KEYS.index)
        raise ValueError(f"lacks the key {lacking!r}; speechlstm manifest build makes such lines")
    for key in ("id", "audio"):
        if not isinstance(values[key], str) or not values[key]:
            raise ValueError(f"{key}: must be a non-empty string, is {_shown(values[key])}")
    for key in ("text", "speaker", "label"):
        if not isinstance(values.get(key), _STRING_OR_NULL):
            raise ValueError(f"{key}: must be a string or null, is {_shown(values[key])}")
    _check_names(values)
    duration = values["duration"]
    if not isinstance(duration, float) or not 0 < duration < math.inf:
        raise ValueError(f"duration: must be a number of seconds above 0, is {quoted(duration)}")
    offset = values.get("offset")
    if offset is not None and not (isinstance(offset, float) and 0 <= offset < math.inf):
        raise ValueError(f"offset: must be a number of seconds from 0, is {quoted(offset)}")


def _unknown(keys: Set[str]) -> str:
    """What is wrong with keys that a manifest does not have."""
    for some, output in _OUTPUTS.items():
        if keys >= {*some}:
            return f"is {output}; speechlstm manifest build makes a manifest"
    return f"unknown key {quoted(min(keys - _KNOWN))}; known are {', '.join(_KEYS)}"


def _shown(value: Any) -> str:
    """A value that should be a string, and how to write it as one if it is a number."""
    if not isinstance(value, float):
        return quoted(value)
    number = f"{value:.16g}"  # integers have become floats
    return f'{number}; write "{number}"'


def _check_names(values: dict[str, Any]) -> None:
    for key in ("id", "speaker", "label"):
        name = values.get(key)
        # isprintable, which is fast, also refuses some that are no control characters.
        if name and not name.isprintable() and writable(name) != name:
            raise ValueError(f"{key}: must be a line without control characters, is {quoted(name)}")
