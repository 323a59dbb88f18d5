import tracemalloc
from itertools import product

import numpy as np
import pytest

from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.transcript import Hypothesis, Word


def n_best(generator: np.random.Generator, size: int, num_words: int = 3) -> list[Hypothesis]:
    """Hypotheses of a piece of 20 s, the best first; the last one holds no word."""
    scores = -np.sort(generator.exponential(5, size))
    return [
        Hypothesis(
            " ".join(f"w{rank}" for _ in range(num_words if rank < size - 1 else 0)),
            tuple(
                Word(f"w{rank}", float(i), i + 0.5, 0.9)
                for i in range(num_words if rank < size - 1 else 0)
            ),
            log_prob=score - 1,
            lm_log_prob=score / 2,
            score=score,
        )
        for rank, score in enumerate(scores.tolist())
    ]


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 3, 3), (4, 1, 2, 4), (1, 5, 2), (2,)])
def test_the_best_combinations_of_all_pieces_are_found(sizes: tuple[int, ...]) -> None:
    generator = np.random.default_rng(len(sizes))
    pieces = [n_best(generator, size) for size in sizes]
    joined = JoinedHypotheses()
    for number, piece in enumerate(pieces):
        joined.add(20.0 * number, piece)
    combinations = sorted(
        product(*pieces), key=lambda chosen: sum(h.score for h in chosen), reverse=True
    )
    best = joined.best()
    assert len(best) == max(sizes)
    for hypothesis, chosen in zip(best, combinations, strict=False):
        assert hypothesis.text == " ".join(h.text for h in chosen if h.text)
        assert hypothesis.score == pytest.approx(sum(h.score for h in chosen))
        assert hypothesis.log_prob == pytest.approx(sum(h.log_prob for h in chosen))
        assert hypothesis.lm_log_prob == pytest.approx(sum(h.lm_log_prob for h in chosen))
        starts = [20 * i + word.start for i, h in enumerate(chosen) for word in h.words]
        assert [word.start for word in hypothesis.words] == starts
        assert [word.end for word in hypothesis.words] == [start + 0.5 for start in starts]


def test_words_that_lie_in_either_of_two_pieces_are_one_hypothesis() -> None:
    def spoken(text: str, score: float) -> Hypothesis:
        return Hypothesis(text, (Word(text, 0.0, 0.1, 0.9),) if text else (), 0.0, score=score)

    joined = JoinedHypotheses()
    joined.add(0.0, [spoken("the", -1), spoken("", -1.5), spoken("a", -9), spoken("an", -9)])
    joined.add(20.0, [spoken("", -1), spoken("the", -1.2), spoken("a", -9), spoken("an", -9)])
    best = [(hypothesis.text, hypothesis.score) for hypothesis in joined.best()]
    assert best[:3] == [("the", -2.0), ("the the", -2.2), ("", -2.5)]
    assert len({text for text, _ in best}) == len(best) == 4


def test_no_piece_is_a_hypothesis_without_words() -> None:
    assert JoinedHypotheses().best() == (Hypothesis("", (), 0.0),)


@pytest.mark.slow
def test_memory_grows_with_the_number_of_pieces() -> None:
    def peak(num_pieces: int) -> int:
        generator = np.random.default_rng(1)
        tracemalloc.start()
        try:
            joined = JoinedHypotheses()
            for number in range(num_pieces):
                # An hour has 180 to 360 pieces.
                joined.add(10.0 * number, n_best(generator, 8, num_words=20))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    minutes, hour = peak(36), peak(360)
    assert hour < 12 * minutes  # each piece copied by those after it: 100 times


@pytest.mark.slow
def test_an_hour_keeps_its_words_and_their_times() -> None:
    joined = JoinedHypotheses()
    for number in range(360):
        joined.add(10.0 * number, n_best(np.random.default_rng(number), 20, num_words=10))
    best = joined.best()
    assert len(best) == 20
    assert {len(h.words) for h in best} <= {360 * 10, 359 * 10, 358 * 10}
    starts = [word.start for word in best[0].words]
    assert starts == [10.0 * piece + i for piece in range(360) for i in range(10)]
    assert [h.score for h in best] == sorted((h.score for h in best), reverse=True)
