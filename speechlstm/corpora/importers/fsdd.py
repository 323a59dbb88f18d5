"""Free Spoken Digit Dataset: recordings/DIGIT_SPEAKER_NUMBER.wav."""

import re
from collections.abc import Iterator
from pathlib import Path

from speechlstm.audio import AUDIO_SUFFIXES, find_recordings
from speechlstm.corpora.importers.found import Found

LOOKED_FOR = "recordings/DIGIT_SPEAKER_NUMBER.wav"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<number>\d+)")
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NUM_TEST = 5  # the first of each speaker and digit are the test set, by the dataset's README


def is_fsdd(source: Path) -> bool:
    """Whether a folder is laid out so, or is its folder recordings."""
    found = _folder(source).glob("[0-9]_*") if source.is_dir() else iter(())
    return any(_NAME.fullmatch(p.stem) and p.suffix.lower() in AUDIO_SUFFIXES for p in found)


def read_fsdd(source: Path) -> Iterator[Found]:
    """The recordings of digits, whose texts are the digits' names."""
    for path in find_recordings(_folder(source)):
        if match := _NAME.fullmatch(path.stem):
            split = "test" if int(match["number"]) < _NUM_TEST else "train"
            text = _WORDS[int(match["digit"])]
            yield Found(f"{path}", path.stem, path, text, match["speaker"], split)


def _folder(source: Path) -> Path:
    return source / "recordings" if (source / "recordings").is_dir() else source
