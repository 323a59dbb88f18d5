import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.training.data.bucketing import bucket, pad

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=40)


def simple(widths: list[int], capacity: float, max_rows: float) -> list[list[int]]:
    """Rows one after the other into the last batch, as long as it stays within the limits."""
    batches: list[list[int]] = [[]]
    for row in range(len(widths)):
        members = [*batches[-1], row]
        size = len(members) * max(widths[i] for i in members)
        if batches[-1] and (size > capacity or len(members) > max_rows):
            batches.append([row])
        else:
            batches[-1].append(row)
    return batches


@given(LENGTHS, st.integers(1, 200), st.integers(1, 9), st.booleans())
def test_equals_the_simple_way(
    lengths: list[int], capacity: int, max_rows: int, falling: bool
) -> None:
    array = np.array(lengths)
    order = np.argsort(-array if falling else array, kind="stable")
    found = bucket(order, array, capacity=capacity, max_rows=max_rows)
    expected = simple(array[order].tolist(), capacity, max_rows)
    assert [batch.tolist() for batch in found] == [order[rows].tolist() for rows in expected]


@given(LENGTHS, st.floats(0.01, 0.5))
def test_padding_stays_below_its_share(lengths: list[int], max_padding: float) -> None:
    array = np.array(lengths)
    order = np.argsort(-array, kind="stable")
    batches = bucket(order, array, max_padding=max_padding)
    assert np.concatenate(batches).tolist() == order.tolist()
    size = sum(len(batch) * int(array[batch].max()) for batch in batches)
    assert size - array.sum() <= max_padding * size + 1e-9


def test_rows_are_padded_to_their_widths() -> None:
    lengths, widths = np.array([7, 7, 3]), np.array([10, 10, 5])
    found = bucket(np.array([0, 1, 2]), lengths, widths, capacity=20)
    assert [batch.tolist() for batch in found] == [[0, 1], [2]]


def test_a_row_beyond_all_limits_is_a_batch_of_its_own() -> None:
    found = bucket(np.array([0, 1, 2]), np.array([100, 3, 2]), capacity=10)
    assert [batch.tolist() for batch in found] == [[0], [1, 2]]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_pads_with_zeros(dtype: type) -> None:
    padded, lengths = pad([[1, 2, 3], [], [4]], 4, dtype)
    assert padded.tolist() == [[1, 2, 3, 0], [0, 0, 0, 0], [4, 0, 0, 0]]
    assert (padded.dtype, lengths.tolist()) == (dtype, [3, 0, 1])
