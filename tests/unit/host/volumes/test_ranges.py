"""Sets of ranges against a set of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.volumes.ranges import Ranges, add, missing

SIZE = 40
RANGE = st.tuples(st.integers(0, SIZE - 1), st.integers(1, 12)).map(
    lambda one: (one[0], min(SIZE, one[0] + one[1]))
)


@given(st.lists(RANGE, max_size=12))
def test_as_a_set_of_numbers(new: list[tuple[int, int]]) -> None:
    ranges: Ranges = ()
    model: set[int] = set()
    for one in new:
        ranges = add(ranges, one)
        model.update(range(*one))
        assert {number for start, end in ranges for number in range(start, end)} == model
        assert all(before[1] < after[0] for before, after in pairwise(ranges))
    left = missing(ranges, SIZE)
    assert {number for start, end in left for number in range(start, end)} == set(range(SIZE)) - model
    assert all(start < end for start, end in left)
