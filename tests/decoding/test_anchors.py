import time
from itertools import pairwise
from string import ascii_lowercase

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.decoding import anchors
from speechlstm.decoding.alignment import align
from speechlstm.decoding.anchors import align_long
from speechlstm.errors import DataError
from speechlstm.text.alphabet import ENGLISH

VOCABULARY = [f"{a}{b}{c}{d}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst" for d in "ai"]


def spoken(
    words: list[str], seed: int, error_rate: float = 0.02
) -> tuple[NDArray[np.float32], list[int]]:
    """Log-probabilities in which some frames have another label than the words', and the labels."""
    generator = np.random.default_rng(seed)
    labels = ENGLISH.encode(" ".join(words))
    path = [frame for label in labels for frame in (label, 0, 0)]
    logits = generator.normal(size=(len(path), ENGLISH.num_labels))
    logits[range(len(path)), path] += 8
    wrong = generator.random(len(path)) < error_rate
    logits[wrong] = generator.normal(size=(wrong.sum(), ENGLISH.num_labels)) * 3
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits.astype(np.float32), labels


@pytest.fixture
def cut_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors, "_WHOLE", 0)
    monkeypatch.setattr(anchors, "_PIECE_FRAMES", 60)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
)
def test_pieces_give_the_path_of_the_whole(seed: int, cut_everywhere: None) -> None:
    words = list(np.random.default_rng(seed).choice(VOCABULARY, 120))
    log_probs, labels = spoken(words, seed)
    pieces = anchors._pieces(log_probs, labels, ENGLISH)
    assert len(pieces) > 5
    whole = align(log_probs, labels, space=ENGLISH.space)
    cut = align_long(log_probs, labels, ENGLISH)
    same = [a == b for a, b, label in zip(whole, cut, labels, strict=True) if label != 1]
    assert np.mean(same) >= 0.99
    assert all(a[1] <= b[0] for a, b in pairwise(cut))


def test_what_is_not_in_the_text_and_not_spoken_costs_no_order(cut_everywhere: None) -> None:
    """A passage that is only spoken, and another that is only written."""
    words = list(np.random.default_rng(7).permutation(VOCABULARY)[:200])
    log_probs, _ = spoken([*words[:80], *words[110:]], seed=7)
    text = [*words[:150], *words[170:]]
    labels = ENGLISH.encode(" ".join(text))
    spans = align_long(log_probs, labels, ENGLISH)
    place = {word: 15 * index for index, word in enumerate([*words[:80], *words[110:]])}
    starts = [index for index, label in enumerate(labels) if index == 0 or labels[index - 1] == 1]
    unique = [i for i, word in enumerate(text) if text.count(word) == 1 and word in place]
    near = [abs(spans[starts[i]][0] - place[text[i]]) < 15 for i in unique if not 75 < i < 155]
    assert np.mean(near) > 0.95


@pytest.mark.parametrize("repeats", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_text_that_is_a_part_of_what_is_spoken_stays_together(repeats: int) -> None:
    """Also if it is spoken several times."""
    words = list(np.random.default_rng(7).permutation(VOCABULARY)[:100])
    log_probs, _ = spoken(words * repeats, seed=7)
    labels = ENGLISH.encode(" ".join(words[40:60]))
    starts = np.array([start for start, _ in align_long(log_probs, labels, ENGLISH)])
    places = 3 * (len(ENGLISH.encode(" ".join(words[:40]))) + 1 + np.arange(len(labels)))
    once = 3 * (len(ENGLISH.encode(" ".join(words))) + 1)
    errors = [np.abs(starts - places - once * index) <= 3 for index in range(repeats)]
    assert np.mean(errors, axis=1).max() > 0.95


def test_text_and_recording_without_a_word_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    log_probs, _ = spoken(VOCABULARY[:100], seed=1)
    labels = ENGLISH.encode(" ".join(VOCABULARY[100:150]))
    whole = align(log_probs, labels, space=ENGLISH.space)
    assert align_long(log_probs, labels, ENGLISH) == whole
    monkeypatch.setattr(anchors, "_WHOLE", 0)
    monkeypatch.setattr(anchors, "_LARGEST", 10_000)
    with pytest.raises(DataError, match=r"a\.wav: text and recording have too few words in common"):
        align_long(log_probs, labels, ENGLISH, "a.wav")


@pytest.mark.slow
def test_time_is_linear_in_the_length() -> None:
    """6,000 words, whose whole search would take minutes."""
    words = list(np.random.default_rng(3).choice(VOCABULARY, 6_000))
    log_probs, labels = spoken(words, seed=3)
    started = time.process_time()
    spans = align_long(log_probs, labels, ENGLISH)
    assert time.process_time() - started < 15
    starts = np.array([start for start, _ in spans])
    assert np.mean(np.abs(starts - 3 * np.arange(len(labels))) <= 3) > 0.99


def distinct_words(number: int) -> list[str]:
    letters = np.random.default_rng(5).permutation(np.tile(list(ascii_lowercase), 4 * number))
    return ["".join(letters[4 * i : 4 * i + 4]) for i in range(number)]


def starts_of(words: list[str]) -> dict[str, int]:
    """The frame at which each of the words begins."""
    return {word: 15 * index for index, word in enumerate(words)}


@pytest.mark.parametrize("num_cut", [0, 60])
@pytest.mark.parametrize(
    ("said", "written", "left_out"),
    [
        ([*range(40)], [*range(20), *range(50, 60), *range(20, 40)], [*range(50, 60)]),
        ([*range(40)], [*range(20), 50, 51, *range(20, 40)], [50, 51]),
        ([*range(40)], [*range(50, 55), *range(40), *range(55, 60)], [*range(50, 60)]),
        ([*range(40)], [*range(15), *range(25, 40)], []),
        ([*range(40)], [*range(15), *range(50, 60), *range(25, 40)], [*range(50, 60)]),
        ([*range(40)], [*range(10, 14)], []),
        ([*range(20, 24)], [*range(60)], [*range(20), *range(24, 60)]),
        ([*range(10), *range(50, 60)], [*range(60)], [*range(10, 50)]),
    ],
    ids=[
        *("sentence", "two words", "both ends", "more spoken", "replaced", "a part"),
        *("more written than there is time for", "most left out"),
    ],
)
def test_where_text_and_speech_differ_words_stay_in_their_place(
    said: list[int],
    written: list[int],
    left_out: list[int],
    num_cut: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if num_cut:
        monkeypatch.setattr(anchors, "_WHOLE", 0)
        monkeypatch.setattr(anchors, "_PIECE_FRAMES", num_cut)
    words = distinct_words(60)
    log_probs, _ = spoken([words[i] for i in said], seed=5)
    text = [words[i] for i in written]
    spans = align_long(log_probs, ENGLISH.encode(" ".join(text)), ENGLISH)
    place = starts_of([words[i] for i in said])
    for index, word in enumerate(text):
        own = spans[5 * index : 5 * index + 4]
        assert [start == stop for start, stop in own] == [written[index] in left_out] * 4
        if word in place:
            assert abs(own[0][0] - place[word]) <= 3


@pytest.mark.parametrize("written", [[0, 1, 2, 3, 2, 3, 4, 5], [0, 1, 4, 5, 2, 3]])
def test_a_passage_written_twice_or_out_of_order_has_one_place(written: list[int]) -> None:
    words = distinct_words(60)
    sentences = [words[10 * i : 10 * i + 10] for i in range(6)]
    log_probs, _ = spoken(words, seed=5)
    text = [word for i in written for word in sentences[i]]
    spans = align_long(log_probs, ENGLISH.encode(" ".join(text)), ENGLISH)
    place = starts_of(words)
    kept = [
        (word, spans[5 * index][0])
        for index, word in enumerate(text)
        if spans[5 * index][1] > spans[5 * index][0]
    ]
    assert len(kept) == len({word for word, _ in kept}) >= 40
    assert all(abs(start - place[word]) <= 3 for word, start in kept)
