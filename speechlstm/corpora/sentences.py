"""The sentences of a manifest or of a text, wherever words are learnt from or counted."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.manifest import MANIFEST_SUFFIXES, Manifest
from speechlstm.errors import DataError
from speechlstm.lm.ngram.arpa import is_arpa
from speechlstm.lm.text import read_sentences
from speechlstm.text.normalize import normalize


def sentences_of(path: Path) -> Iterator[str]:
    """The normalised texts of a manifest (recognised by its suffix), or the lines of a text.

    >>> list(sentences_of(Path("data/samples/zip.txt")))
    ['one eight zero zero five']

    Raises:
        DataError: The file cannot be read, is an ARPA file, or has no sentence.
    """
    if is_arpa(path):
        raise DataError(f"{path}: is a language model, not a text: see speechlstm lm convert")
    if path.suffix.lower() not in MANIFEST_SUFFIXES:
        yield from read_sentences(path)
        return
    is_empty = True
    for utterance in Manifest(path):
        if sentence := normalize(utterance.text or ""):
            is_empty = False
            yield sentence
    if is_empty:
        raise DataError(f"{path}: no utterance has a text")
