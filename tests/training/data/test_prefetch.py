import threading
import time
from typing import Any

import pytest

from speechlstm.training.data.prefetch import MAX_LOADERS, prefetched


class Batches:
    """Thirty of them, some slow to make, one of them faulty if so wished."""

    def __init__(self, faulty: int | None = None) -> None:
        self.faulty, self.begun = faulty, 0

    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> str:
        self.begun += 1
        if index == self.faulty:
            raise OSError("gone")
        time.sleep(0.01 * (index % 3 == 0))
        return f"batch {index}"


@pytest.mark.parametrize("start", [0, 7, 29, 30])
def test_they_come_in_order_with_the_time_of_waiting(start: int) -> None:
    data: Any = Batches()
    found = list(prefetched(data, start))
    assert [(k, batch) for k, batch, _ in found] == [(k, f"batch {k}") for k in range(start, 30)]
    assert all(waited >= 0 for _, _, waited in found)


def test_they_are_placed_by_another_thread() -> None:
    data: Any = Batches()
    threads = []

    def place(batch: Any) -> Any:
        threads.append(threading.current_thread())
        return batch, "placed"

    found = [batch for _, batch, _ in prefetched(data, 28, place)]
    assert found == [("batch 28", "placed"), ("batch 29", "placed")]
    assert threading.main_thread() not in threads


def test_only_some_are_made_ahead() -> None:
    data: Any = Batches()
    next(prefetched(data, 0))
    assert data.begun <= MAX_LOADERS + 3


def test_a_fault_comes_with_its_batch() -> None:
    data: Any = Batches(faulty=2)
    batches = prefetched(data, 0)
    assert [next(batches)[0] for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="gone"):
        next(batches)
