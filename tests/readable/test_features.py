from collections import Counter

import numpy as np
import pytest

from speechlstm.readable.features import (
    NUM_BUCKETS,
    NUM_IDS,
    NUM_PAUSES,
    PAUSE_BOUNDS,
    pause_classes,
    word_ids,
)


def test_ids_are_the_same_everywhere() -> None:
    # A network in a file depends on them.
    assert word_ids(["the", "caf\u00e9", "a"]).tolist() == [
        [2771, 16342, 14773, 12318],
        [3143, 924, 4098, 12152],
        [7266, 7234, 2939, 13724],
    ]


def test_ids_have_their_shape_and_range() -> None:
    ids = word_ids(f"w{number}" for number in range(5000))
    assert ids.shape == (5000, NUM_IDS)
    assert ids.min() >= 0
    assert ids.max() < NUM_BUCKETS
    assert word_ids([]).shape == (0, NUM_IDS)


@pytest.mark.slow
def test_hardly_any_two_words_share_both_buckets() -> None:
    pairs = Counter(map(tuple, word_ids(f"w{number}" for number in range(50_000))[:, :2].tolist()))
    # Of 1.25 billion pairs of words, 5 are expected among 268 million buckets.
    assert 50_000 - len(pairs) < 20


def test_related_words_share_beginning_and_end() -> None:
    talking, walking, talked = word_ids(["talking", "walking", "talked"])
    assert talking[3] == walking[3]
    assert talking[2] == talked[2]
    assert (talking[:2] != walking[:2]).all()


def test_pauses_fall_into_classes() -> None:
    between = np.array([0.0, *PAUSE_BOUNDS]) + 1e-6
    assert pause_classes(between.tolist()).tolist() == list(range(1, NUM_PAUSES))
    assert pause_classes([None, -0.1, 1e9]).tolist() == [0, 1, NUM_PAUSES - 1]
