"""Input features of the punctuation network: hashed words, and the pauses after them."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

NUM_BUCKETS = 16384  # rows of the embedding, for words and their prefixes and suffixes
NUM_IDS = 4  # rows for each word: two for the word, one for its prefix, one for its suffix
NUM_LETTERS = 3  # letters of a prefix or suffix

# Classes of pauses: 0: not known; then up to each of these bounds in seconds, and beyond the last.
PAUSE_BOUNDS = (0.07, 0.13, 0.22, 0.35, 0.6, 1.0)
NUM_PAUSES = len(PAUSE_BOUNDS) + 2


def word_ids(words: Iterable[str]) -> NDArray[np.int32]:
    """The rows of the embedding whose sum represents each word.

    Words are hashed (Weinberger et al., "Feature hashing for large scale multitask learning", ICML
    2009), so that no vocabulary is needed and no word is unknown. Each word has two buckets, so
    that hardly any two words share both (Serrà and Karatzoglou, "Getting deep recommenders fit:
    Bloom embeddings for sparse binary input/output networks", RecSys 2017). Prefix and suffix help
    with rare words.

    Returns:
        (num_words, NUM_IDS) in 0..NUM_BUCKETS - 1.
    """
    rows = [_ids(word) for word in words]
    return np.array(rows, np.int32).reshape(len(rows), NUM_IDS)


@lru_cache(maxsize=1 << 17)
def _ids(word: str) -> tuple[int, ...]:
    whole = _hash(f"={word}")
    return (
        whole % NUM_BUCKETS,
        whole // NUM_BUCKETS % NUM_BUCKETS,
        _hash(f"<{word[:NUM_LETTERS]}") % NUM_BUCKETS,
        _hash(f">{word[-NUM_LETTERS:]}") % NUM_BUCKETS,
    )


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def pause_classes(pauses: Iterable[float | None]) -> NDArray[np.int32]:
    """The class of the pause after each word.

    >>> pause_classes([0.0, None, 9.0])
    array([1, 0, 7], dtype=int32)

    Args:
        pauses: Seconds to the next word; None: not known.
    """
    return np.array(
        [
            0 if pause is None else 1 + int(np.searchsorted(PAUSE_BOUNDS, pause, side="right"))
            for pause in pauses
        ],
        np.int32,
    )
