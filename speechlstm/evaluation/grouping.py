"""Groups of whole numbers: 1, 2 to 3, 4 to 7 and so on."""

from bisect import bisect_right
from collections.abc import Sequence


def group_of(number: int, starts: Sequence[int]) -> int:
    """The index of the group that a number is in, which begins at starts[index].

    >>> group_of(5, (1, 2, 4, 8))
    2
    """
    return bisect_right(starts, number) - 1


def group_name(group: int, starts: Sequence[int]) -> str:
    """What is in a group.

    >>> [group_name(group, (1, 2, 4)) for group in range(3)]
    ['1', '2 to 3', '4 or more']
    """
    start = starts[group]
    if group == len(starts) - 1:
        return f"{start} or more"
    end = starts[group + 1] - 1
    return f"{start}" if end == start else f"{start} to {end}"
