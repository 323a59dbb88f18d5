import threading
from collections.abc import Iterator

import pytest

from speechlstm.parallel import map_in_threads


def test_results_come_in_the_order_of_the_items() -> None:
    later = threading.Event()

    def slow_first(item: int) -> int:
        if item == 0:
            later.wait(10)
        else:
            later.set()
        return item

    assert list(map_in_threads(slow_first, range(100))) == list(range(100))


def test_few_items_are_taken_before_their_time() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1_000_000):
            taken.append(item)
            yield item

    results = map_in_threads(abs, items())
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    results.close()
    assert len(taken) < 1000


def test_an_error_comes_when_its_result_is_due() -> None:
    results = map_in_threads(lambda item: 1 // item, [2, 1, 0, 3])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
