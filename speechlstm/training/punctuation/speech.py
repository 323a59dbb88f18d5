"""Where people pause: recordings of punctuated text, with the times of their words."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import DataError
from speechlstm.readable.marked_text import marked_words
from speechlstm.recognizer import Recognizer
from speechlstm.training.punctuation.text import Passage


def aligned_passages(
    recognizer: Recognizer, manifest: Path
) -> Iterator[tuple[Passage, list[float]]]:
    """The marked words of each recording, and the seconds between them.

    Recordings are left out that cannot be read or aligned, and texts with digits, or without any
    mark.

    Args:
        recognizer: Aligns the words.
        manifest: The recordings and their punctuated texts.

    Raises:
        DataError: The manifest is faulty.
    """
    listed = Manifest(manifest)
    for entry in listed.entries():
        if isinstance(entry, Exception):
            raise entry
        passage = marked_words(entry.text or "")
        has_digits = any(map(str.isdigit, entry.text or ""))
        if has_digits or not any(word.mark for word in passage):
            continue
        try:
            path, text = listed.recording(entry), " ".join(word.text for word in passage)
            words = recognizer.align_file(path, text).words
        except DataError:
            continue
        yield passage, [b.start - a.end for a, b in pairwise(words)]
