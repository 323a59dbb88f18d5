"""Hugging Face's audiofolder: metadata.csv or metadata.jsonl with file_name and a text."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, first_existing, has_columns, path_id, table
from speechlstm.corpora.importers.json_lines import first_object, name_of, objects
from speechlstm.errors import ManifestError

LOOKED_FOR = (
    "metadata.csv or metadata.jsonl with file_name and transcription, also in train/, test/"
)
_NAME = "file_name"
_TEXTS = ("transcription", "text", "sentence", "transcript", "normalized_text")
_SPEAKERS = ("speaker_id", "speaker", "client_id")


def is_audiofolder(source: Path) -> bool:
    """Whether a folder, or a subfolder of it, has such a list."""
    return bool(_lists(source))


def read_audiofolder(source: Path) -> Iterator[Found | ManifestError]:
    """The recordings of a folder; its subfolders with lists of their own are splits.

    Raises:
        ManifestError: A list cannot be read.
    """
    for path in _lists(source):
        split = path.parent.name if path.parent != source else None
        rows = table(path, [_NAME]) if path.suffix == ".csv" else objects(path)
        for number, row in rows:
            if isinstance(row, ManifestError):
                yield row
                continue
            text = next((row[key] for key in _TEXTS if isinstance(row.get(key), str)), None)
            name = row.get(_NAME)
            if not isinstance(name, str) or not name or text is None:
                reason = f"needs {_NAME} and one of {', '.join(_TEXTS)}"
                yield ManifestError(path, reason, number)
                continue
            speaker = next((name_of(row[key]) for key in _SPEAKERS if row.get(key)), None)
            audio = first_existing(name, [path.parent])
            inside = audio.relative_to(source) if audio.is_relative_to(source) else audio
            yield Found(f"{path}:{number}", path_id(inside), audio, text, speaker, split)


def _lists(source: Path) -> list[Path]:
    paths = sorted({*source.glob("metadata.*"), *source.glob("*/metadata.*")})
    return [
        path
        for path in paths
        if (path.suffix == ".csv" and has_columns(path, [_NAME]))
        or (path.suffix == ".jsonl" and _NAME in first_object(path))
    ]
