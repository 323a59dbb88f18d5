"""Builds manifests from folders of recordings and texts."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from speechlstm.audio import find_recordings, read_duration
from speechlstm.corpora.importers.found import in_any_case
from speechlstm.corpora.manifest import Utterance
from speechlstm.errors import AudioError, DataError, writable
from speechlstm.storage import decode_text, read_regular_file

TEXT_SUFFIXES = (".txt", ".lab")  # of the transcript beside a recording, in any case


def build_manifest(
    folder: Path, destination: Path, with_texts: bool = True
) -> Iterator[Utterance | DataError]:
    """Find the recordings in a folder, each with its text: that of a.wav in a.txt or a.lab.

    The id is the recording's path in the folder, without its suffix unless recordings differ only
    in that. The first folder of that path is taken as the speaker, so that the recordings of a
    speaker stay together in splits. Durations are read from the headers.

    >>> folder = Path("data/samples")
    >>> next(build_manifest(folder, destination=folder))
    Utterance(id='answers', audio='answers.wav', ..., text='yes stop right seven', ...)

    Args:
        folder: Searched with its subfolders. Names that begin with a dot are ignored.
        destination: The folder of the manifest, which audio paths are relative to.
        with_texts: Whether each recording must have a text. If false, no texts are read (for
            noise).

    Yields:
        In the order of the paths: an utterance, or the error for which a recording is left out.
    """
    paths = list(find_recordings(folder))
    stems = Counter(path.with_suffix("") for path in paths)
    for path in paths:
        try:
            text = _read_text(path) if with_texts else None
            name = path.with_suffix("") if stems[path.with_suffix("")] == 1 else path
            yield _build_utterance(name.relative_to(folder), path, text, destination)
        except DataError as error:
            yield error


def texts_alone(folder: Path) -> Iterator[Path]:
    """The texts in a folder that belong to no recording, as build_manifest pairs them."""
    stems = {path.with_suffix("") for path in find_recordings(folder)}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in TEXT_SUFFIXES and path.with_suffix("") not in stems:
            yield path


def _read_text(recording: Path) -> str:
    candidates = [recording.with_suffix(suffix) for suffix in in_any_case(TEXT_SUFFIXES)]
    path = next((path for path in candidates if path.exists()), candidates[0])
    try:
        return " ".join(decode_text(read_regular_file(path)).split())
    except FileNotFoundError:
        raise AudioError(recording, f"has no text; write its transcript into {path.name}") from None
    except (OSError, ValueError) as error:
        raise AudioError(recording, f"its text {path.name} cannot be read: {error}") from None


def _build_utterance(name: Path, path: Path, text: str | None, destination: Path) -> Utterance:
    if writable(f"{path}") != f"{path}":
        raise AudioError(path, "has a name that is not UTF-8 or has control characters; rename it")
    return Utterance(
        id=name.as_posix(),
        audio=os.path.relpath(path.absolute(), destination.resolve()),
        duration=round(read_duration(path), 3),
        text=text,
        speaker=name.parts[0] if len(name.parts) > 1 else None,
    )
