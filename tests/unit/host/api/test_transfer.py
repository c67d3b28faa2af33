"""Ranges of downloads and uploads: RFC 9110, section 14, as a table and against a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.api.transfer import Span, given_start, wanted_span
from guestwright.http_api.errors import BadRequest

ALL = Span(start=0, end=100, part=False)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("", ALL),
        ("bytes=0-9", Span(start=0, end=10, part=True)),
        ("bytes=90-", Span(start=90, end=100, part=True)),
        ("bytes=90-1000", Span(start=90, end=100, part=True)),
        ("bytes=-10", Span(start=90, end=100, part=True)),
        ("bytes=-1000", Span(start=0, end=100, part=True)),
        ("bytes=99-99", Span(start=99, end=100, part=True)),
        ("bytes=100-", None),
        ("bytes=100-200", None),
        ("bytes=-0", None),
        ("bytes=9-3", ALL),
        ("bytes=-", ALL),
        ("bytes=0-1,3-4", ALL),
        ("bytes=a-b", ALL),
        ("lines=1-2", ALL),
        ("bytes=٣-٤", ALL),
        (f"bytes={'9' * 25}-", ALL),
    ],
)
def test_ranges(text: str, span: Span | None) -> None:
    assert wanted_span({"range": text}, 100, "t") == span


@pytest.mark.parametrize(
    ("tag", "part"), [('"t"', True), ('"other"', False), ("Sat, 1 Jan 2026", False), ('W/"t"', False)]
)
def test_the_rest_of_another_file_is_never_sent(tag: str, part: bool) -> None:
    span = wanted_span({"range": "bytes=50-", "if-range": tag}, 100, "t")
    assert span == (Span(start=50, end=100, part=True) if part else ALL)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 150))
def test_a_range_is_that_of_a_slice(start: int, last: int, size: int) -> None:
    data = bytes(size)
    span = wanted_span({"range": f"bytes={start}-{last}"}, size, "t")
    if last < start:
        assert span == Span(start=0, end=size, part=False)
    elif span is None:
        assert data[start : last + 1] == b""
    else:
        assert span.end - span.start == len(data[start : last + 1])
        assert span.start == start


@pytest.mark.parametrize(
    ("text", "found"),
    [("", (0, None)), ("bytes 0-9/100", (0, 10)), ("bytes 90-99/*", (90, 10)), ("bytes 5-5/6", (5, 1))],
)
def test_places_of_uploads(text: str, found: tuple[int, int | None]) -> None:
    assert given_start({"content-range": text}, "x") == found


@pytest.mark.parametrize("text", ["bytes 9-3/10", "bytes */10", "0-9/10", "bytes=0-9/10", "bytes 0-9", "x"])
def test_places_that_are_none(text: str) -> None:
    with pytest.raises(BadRequest, match="Content-Range"):
        given_start({"content-range": text}, "x")
