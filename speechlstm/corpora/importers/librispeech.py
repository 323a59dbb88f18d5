"""LibriSpeech: SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt, with an id and a text a line."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, numbered_lines, recording_named

LOOKED_FOR = "SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt with recordings beside it"
_SPLITS = ("train-", "dev-", "test-")


def is_librispeech(source: Path) -> bool:
    """Whether a folder is laid out so: the corpus, a split of it, a speaker or a chapter."""
    depths = ("", "*/", "*/*/", "*/*/*/", "*/*/*/*/")
    return any(next(source.glob(f"{depth}*.trans.txt"), None) for depth in depths)


def read_librispeech(source: Path) -> Iterator[Found]:
    """The utterances of a folder. Splits are the folders train-clean-100, dev-clean and so on.

    Raises:
        ManifestError: A text cannot be read.
    """
    for texts in sorted(source.rglob("*.trans.txt")):
        names = (folder.name for folder in texts.absolute().parents)
        split = next((name for name in names if name.startswith(_SPLITS)), None)
        for number, line in numbered_lines(texts):
            name, text = [*line.split(None, 1), ""][:2]
            audio = recording_named(texts.parent, name, ".flac")
            speaker = name.partition("-")[0]
            yield Found(f"{texts}:{number}", name, audio, text, speaker, split)
