import pytest

from speechlstm.explain.rivals import (
    Difference,
    RunnerUp,
    differences,
    runners_up,
    shares_of_differences,
)
from speechlstm.transcript import Hypothesis, Word


def hypothesis(*words: tuple[str, float, float]) -> Hypothesis:
    timed = tuple(Word(text, start, end, 0.9) for text, start, end in words)
    return Hypothesis(" ".join(word.text for word in timed), timed, -1.0)


BEST = hypothesis(("the", 0.0, 0.2), ("seashore", 0.3, 0.9), ("is", 1.0, 1.1))
RIVALS = [
    BEST,
    hypothesis(("the", 0.0, 0.2), ("sea", 0.3, 0.5), ("shore", 0.6, 0.9), ("is", 1.0, 1.1)),
    hypothesis(("the", 0.0, 0.2), ("season", 0.3, 0.9)),
    hypothesis(("these", 0.0, 0.25), ("shores", 0.5, 0.9), ("is", 1.0, 1.1)),
]
SHARES = [0.5, 0.3, 0.15, 0.05]


def test_runners_up_stand_in_the_time_of_the_word_they_would_replace() -> None:
    first, second, third = runners_up(RIVALS, SHARES)
    assert first == (RunnerUp("these", 0.05),)
    assert second == (
        RunnerUp("sea shore", 0.3), RunnerUp("season", 0.15), RunnerUp("shores", 0.05),
    )  # fmt: skip
    assert third == (RunnerUp("", 0.15),)


def test_differences_add_up_over_the_list() -> None:
    shares = shares_of_differences([*RIVALS, RIVALS[1]], [*SHARES, 0.1])
    first = next(iter(shares))
    assert first == Difference(1, 2, ("sea", "shore"))
    assert shares[first] == pytest.approx(0.4)
    assert shares[Difference(1, 3, ("season",))] == 0.15


def test_an_insertion_is_a_place_without_words() -> None:
    assert list(differences(["a", "b"], ["a", "x", "b"])) == [Difference(1, 1, ("x",))]
    assert list(differences([], ["x"])) == [Difference(0, 0, ("x",))]
    assert runners_up([hypothesis(), BEST], [0.9, 0.1]) == []
