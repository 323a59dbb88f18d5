"""Speech Commands: a folder a word, with recordings SPEAKER_nohash_NUMBER.wav."""

import re
from collections.abc import Iterator
from pathlib import Path

from speechlstm.audio import find_recordings
from speechlstm.corpora.importers.found import Found, numbered_lines

LOOKED_FOR = "WORD/SPEAKER_nohash_NUMBER.wav"
_NAME = re.compile(r"(?P<speaker>[0-9a-f]+)_nohash_\d+")
_LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}


def is_speech_commands(source: Path) -> bool:
    """Whether a folder is laid out so."""
    return bool(next(source.glob("*/*_nohash_*"), None))


def read_speech_commands(source: Path) -> Iterator[Found]:
    """The recordings of words. Splits are those of the lists in the folder; the rest is train.

    Raises:
        ManifestError: A list cannot be read.
    """
    splits = {
        line.strip(): split
        for split, name in _LISTS.items()
        if (source / name).exists()
        for _, line in numbered_lines(source / name)
    }
    for path in find_recordings(source):
        name = path.relative_to(source)
        match = _NAME.fullmatch(path.stem)
        if match is None or len(name.parts) != 2:  # such as _background_noise_
            continue
        split = splits.get(name.as_posix(), "train") if splits else None
        word, identity = name.parts[0], name.with_suffix("").as_posix()
        yield Found(f"{path}", identity, path, word, match["speaker"], split)
