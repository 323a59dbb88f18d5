"""LJSpeech: metadata.csv with id|text|normalised text a line, and wavs/."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, numbered_lines, recording_named
from speechlstm.errors import ManifestError

LOOKED_FOR = "metadata.csv with lines of id|text|normalised text, and wavs/"


def is_ljspeech(source: Path) -> bool:
    """Whether a folder is laid out so."""
    if not (source / "wavs").is_dir() or not (source / "metadata.csv").is_file():
        return False
    try:
        return "|" in next(numbered_lines(source / "metadata.csv"), (0, ""))[1]
    except ManifestError:
        return False


def read_ljspeech(source: Path) -> Iterator[Found | ManifestError]:
    """The utterances of a folder, with the normalised texts, in which numbers are written out.

    They are all by one speaker, who is named after the folder.

    Raises:
        ManifestError: The list cannot be read.
    """
    metadata = source / "metadata.csv"
    speaker = source.resolve().name
    for number, line in numbered_lines(metadata):
        fields = line.split("|")
        if len(fields) not in (2, 3) or not fields[0]:
            yield ManifestError(metadata, "must be id|text or id|text|normalised text", number)
            continue
        audio = recording_named(source / "wavs", fields[0], ".wav")
        yield Found(f"{metadata}:{number}", fields[0], audio, fields[-1] or fields[1], speaker)
