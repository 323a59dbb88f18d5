import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.evaluation.metrics import (
    ErrorCounts,
    bootstrap_interval,
    character_errors,
    correct_words,
    show_errors,
    word_errors,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=8)


def edit_distance(a: list[str], b: list[str]) -> int:
    """Levenshtein's distance by its recurrence."""
    if not a or not b:
        return len(a) + len(b)
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts", "rate"),
    [
        ("the cat sat", "the cat sat", ErrorCounts(hits=3), 0),
        ("the cat sat", "the bat sat", ErrorCounts(hits=2, substitutions=1), 1 / 3),
        ("the cat sat", "cat sat", ErrorCounts(hits=2, deletions=1), 1 / 3),
        ("the cat sat", "the cat sat down", ErrorCounts(hits=3, insertions=1), 1 / 3),
        ("cat", "a fat bat", ErrorCounts(substitutions=1, insertions=2), 3),
        ("the cat", "", ErrorCounts(deletions=2), 1),
        ("", "", ErrorCounts(), 0),
        ("", "peaceful silence", ErrorCounts(insertions=2), 2),
    ],
)
def test_word_errors(reference: str, hypothesis: str, counts: ErrorCounts, rate: float) -> None:
    assert word_errors(reference, hypothesis) == counts
    assert counts.rate == pytest.approx(rate)


@given(WORDS, WORDS)
def test_errors_are_the_edit_distance(reference: list[str], hypothesis: list[str]) -> None:
    counts = word_errors(" ".join(reference), " ".join(hypothesis))
    assert counts.num_errors == edit_distance(reference, hypothesis)
    assert counts.num_reference == len(reference)
    assert counts.hits + counts.substitutions + counts.insertions == len(hypothesis)


def test_spaces_are_characters() -> None:
    assert character_errors("a cd", "acde") == ErrorCounts(hits=3, deletions=1, insertions=1)
    assert character_errors("ab cd", "abcd") == ErrorCounts(hits=4, deletions=1)


def test_counts_are_added_before_they_are_divided() -> None:
    total = word_errors("a b c d", "a b c d") + word_errors("e", "f g")
    assert total == ErrorCounts(hits=4, substitutions=1, insertions=1)
    assert total.rate == 2 / 5


@pytest.mark.parametrize(
    ("reference", "hypothesis", "correct"),
    [
        ("", "", []),
        ("", "oh no", [False, False]),
        ("a b c d", "a x c", [True, False, True]),
        ("fox jumps", "the fox jumps", [False, True, True]),
    ],
)
def test_correct_words(reference: str, hypothesis: str, correct: list[bool]) -> None:
    assert correct_words(reference, hypothesis) == correct


@pytest.mark.parametrize(
    ("reference", "hypothesis", "shown"),
    [
        ("", "", ""),
        ("the quick fox", "the quick fox", "the quick fox"),
        ("the quick fox", "the thick fox", "the [quick->thick] fox"),
        ("a b c d", "a x y d", "a [b->x] [c->y] d"),
        ("fox jumps", "fox", "fox [-jumps]"),
        ("fox", "the red fox", "[+the] [+red] fox"),
    ],
)
def test_show_errors(reference: str, hypothesis: str, shown: str) -> None:
    assert show_errors(reference, hypothesis) == shown


@given(WORDS, WORDS)
def test_reference_and_hypothesis_can_be_read_off_the_shown_errors(
    reference: list[str], hypothesis: list[str]
) -> None:
    expected, recognised = [], []
    for shown in show_errors(" ".join(reference), " ".join(hypothesis)).split():
        word = shown.strip("[]")
        a, b = word.split("->") if "->" in word else (word, word)
        expected += [] if a.startswith("+") else [a.lstrip("-")]
        recognised += [] if b.startswith("-") else [b.lstrip("+")]
    assert (expected, recognised) == (reference, hypothesis)


def test_bootstrap_of_single_words_is_the_binomial_interval() -> None:
    counts = [ErrorCounts(substitutions=1)] * 120 + [ErrorCounts(hits=1)] * 280
    low, high = bootstrap_interval(counts)
    half = 1.96 * math.sqrt(0.3 * 0.7 / 400)  # normal approximation
    assert (low, high) == (pytest.approx(0.3 - half, abs=0.01), pytest.approx(0.3 + half, abs=0.01))
    assert bootstrap_interval(counts) == (low, high)


def test_bootstrap_is_not_clipped() -> None:
    counts = [ErrorCounts(hits=1, insertions=n) for n in (2, 3, 4)]
    low, high = bootstrap_interval(counts)
    assert 2 <= low < 3 < high <= 4


def test_bootstrap_refuses_a_single_count() -> None:
    with pytest.raises(ValueError, match="at least 2 counts, has 1"):
        bootstrap_interval([ErrorCounts(hits=1)])
