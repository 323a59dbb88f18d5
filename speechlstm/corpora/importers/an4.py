"""AN4 and other corpora for CMU Sphinx: etc/NAME_train.fileids and .transcription, and wav/."""

import re
from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, is_file, numbered_lines, recording_named
from speechlstm.errors import AudioError, DataError, ManifestError

LOOKED_FOR = "etc/an4_train.transcription, etc/an4_train.fileids and wav/"
_LINE = re.compile(r"\s*(?:<s>)?(?P<text>.*?)(?:</s>)?\s*\((?P<id>\S+)\)\s*")


def is_an4(source: Path) -> bool:
    """Whether a folder is laid out so."""
    found = source.glob("etc/*.transcription")
    return any(path.with_suffix(".fileids").is_file() for path in found)


def read_an4(source: Path) -> Iterator[Found | DataError]:
    """The utterances of a folder; splits are what stands in the names after the last underscore.

    Raises:
        ManifestError: A list cannot be read, or lists do not match.
    """
    for transcription in sorted(source.glob("etc/*.transcription")):
        fileids = list(numbered_lines(transcription.with_suffix(".fileids")))
        lines = list(numbered_lines(transcription))
        if len(fileids) != len(lines):
            raise ManifestError(transcription, f"has {len(lines)} lines for {len(fileids)} fileids")
        split = transcription.stem.rpartition("_")[2]
        for (_, listed), (number, line) in zip(fileids, lines, strict=True):
            fileid, match = Path(listed.strip()), _LINE.fullmatch(line)
            if not match or match["id"] != fileid.name:
                reason = f"must be '<s> WORDS </s> ({fileid.name})', as in the fileids"
                yield ManifestError(transcription, reason, number)
                continue
            where = f"{transcription}:{number}"
            audio = recording_named(source / "wav" / fileid.parent, fileid.name, ".sph")
            raw = audio.with_suffix(".raw")
            if not is_file(audio) and is_file(raw):
                reason = "has no header; convert it to WAV (16-bit samples at 16 kHz)"
                yield AudioError(raw, reason)
                continue
            yield Found(where, fileid.name, audio, match["text"], fileid.parent.name, split)
