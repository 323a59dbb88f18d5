"""Manifests from folders of recordings with their texts."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from speechlstm.audio import read_duration
from speechlstm.corpora.manifest import Utterance
from speechlstm.errors import AudioError, DataError
from speechlstm.storage import read_regular_file

# What a recording's name may end in; what it holds is decided by its content.
AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".aif", ".aiff", ".aifc", ".au"),
    *(".snd", ".caf", ".w64", ".rf64", ".sph", ".nist", ".voc", ".m4a", ".mp4", ".mov", ".webm"),
    *(".mkv", ".aac", ".wma", ".3gp", ".amr", ".spx", ".ac3", ".wv"),
)


def build_manifest(
    folder: Path, destination: Path, with_texts: bool = True
) -> Iterator[Utterance | DataError]:
    """The recordings under a folder, each with its text: speech.wav has it in speech.txt.

    The id is the recording's path below folder, without its suffix unless others differ in that
    alone; the first folder on that path is the speaker, so that all of a speaker's recordings stay
    together. Durations come from the headers.

    Args:
        folder: Searched with its subfolders; names that begin with a dot are passed over.
        destination: The folder of the manifest: audio paths are relative to it.
        with_texts: Whether each needs a text; otherwise none has one, as befits noise.

    Yields:
        In the order of the paths: the utterance, or why the recording is left out.
    """
    paths = [path for path in sorted(folder.rglob("*")) if _is_recording(path.relative_to(folder))]
    stems = Counter(path.with_suffix("") for path in paths)
    for path in paths:
        try:
            text = _read_text(path.with_suffix(".txt"), path) if with_texts else None
            name = path.with_suffix("") if stems[path.with_suffix("")] == 1 else path
            yield _build_utterance(name.relative_to(folder), path, text, destination)
        except DataError as error:
            yield error


def _is_recording(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not hidden


def _read_text(path: Path, recording: Path) -> str:
    try:
        return " ".join(read_regular_file(path).decode("utf-8-sig").split())
    except FileNotFoundError:
        raise AudioError(recording, f"has no text; write what is said into {path.name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise AudioError(recording, f"its text {path.name} cannot be read: {error}") from None


def _build_utterance(name: Path, path: Path, text: str | None, destination: Path) -> Utterance:
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise AudioError(path, "has a name that is not UTF-8; rename it") from None
    return Utterance(
        id=name.as_posix(),
        audio=os.path.relpath(path.absolute(), destination.resolve()),
        duration=round(read_duration(path), 3),
        text=text,
        speaker=name.parts[0] if len(name.parts) > 1 else None,
    )
