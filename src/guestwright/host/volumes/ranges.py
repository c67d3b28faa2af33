"""Sets of byte ranges: (start, end), ascending, apart from each other. Pure."""

from __future__ import annotations

from bisect import bisect_left

Ranges = tuple[tuple[int, int], ...]


def add(ranges: Ranges, new: tuple[int, int]) -> Ranges:
    """The ranges with another one, which may touch or overlap them."""
    start, end = new
    first = bisect_left(ranges, start, key=lambda one: one[1])
    last = first
    while last < len(ranges) and ranges[last][0] <= end:
        start, end = min(start, ranges[last][0]), max(end, ranges[last][1])
        last += 1
    return (*ranges[:first], (start, end), *ranges[last:])


def missing(ranges: Ranges, size: int) -> list[tuple[int, int]]:
    """What of 0 to `size` is in none of the ranges."""
    edges = [0, *(edge for one in ranges for edge in one), size]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
