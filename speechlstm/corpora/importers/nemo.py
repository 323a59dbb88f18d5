"""NVIDIA NeMo's manifest: JSON lines with audio_filepath, duration, text, offset."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speechlstm.corpora.importers.found import Found, first_existing, path_id, piece_id
from speechlstm.corpora.importers.json_lines import first_object, name_of, objects
from speechlstm.errors import ManifestError

LOOKED_FOR = "JSON lines with the keys audio_filepath, duration and text"


def is_nemo(source: Path) -> bool:
    """Whether the first line of a file is such an object."""
    return "audio_filepath" in first_object(source)


def read_nemo(source: Path) -> Iterator[Found | ManifestError]:
    """The utterances of a manifest; with an offset, they are pieces of the recordings.

    Paths are relative to the manifest's folder. They become ids, with the times of a piece.

    Raises:
        ManifestError: The file cannot be read.
    """
    for number, values in objects(source):
        if isinstance(values, ManifestError):
            yield values
        else:
            yield _found(source, number, values)


def _found(source: Path, number: int, values: dict[str, Any]) -> Found | ManifestError:
    name, text, speaker = (values.get(key) for key in ("audio_filepath", "text", "speaker"))
    if not isinstance(name, str) or not name or not isinstance(text, str):
        return ManifestError(source, "needs the keys audio_filepath and text, as strings", number)
    start, duration = values.get("offset"), values.get("duration")
    end: float | None = None
    if start is not None:
        if not isinstance(start, float) or not isinstance(duration, float):
            return ManifestError(source, "offset and duration must be numbers of seconds", number)
        end = start + duration
    audio = first_existing(name, [source.parent, Path()])
    identity = path_id(Path(name))
    identity = identity if start is None else piece_id(identity, start, end)
    who = name_of(speaker)
    return Found(f"{source}:{number}", identity, audio, text, who, None, start, end)
