"""Names by a pattern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.templates.errors import BadTemplateRequest
from guestwright.engine.vms.names import COUNT_MAX, names


@pytest.mark.parametrize(
    ("pattern", "count", "first", "expected"),
    [
        pytest.param("web-{n}", 3, 1, ("web-1", "web-2", "web-3"), id="plain"),
        pytest.param("{n}-web", 2, 9, ("9-web", "10-web"), id="in-front"),
        pytest.param("db{n:03}", 2, 99, ("db099", "db100"), id="padded"),
        pytest.param("only", 1, 1, ("only",), id="no-number"),
        pytest.param("a{n:3}z", 1, 0, ("a000z",), id="padded-without-0"),
    ],
)
def test_names(pattern: str, count: int, first: int, expected: tuple[str, ...]) -> None:
    assert names(pattern, count, first) == expected


@pytest.mark.parametrize(
    ("pattern", "count", "first"),
    [
        pytest.param("web", 2, 1, id="no-place"),
        pytest.param("{n}{n}", 2, 1, id="two-places"),
        pytest.param("web-{m}", 2, 1, id="another-letter"),
        pytest.param("web-{n", 1, 1, id="half-a-brace"),
        pytest.param("web-{n:x}", 1, 1, id="another-format"),
        pytest.param("web-{n}", 0, 1, id="none"),
        pytest.param("web-{n}", COUNT_MAX + 1, 1, id="too-many"),
        pytest.param("web-{n}", 1, -1, id="below-zero"),
        pytest.param("x" * 255 + "{n}", 1, 1, id="too-long"),
        pytest.param("web\n{n}", 1, 1, id="control"),
        pytest.param("", 1, 1, id="empty"),
    ],
)
def test_what_makes_no_names(pattern: str, count: int, first: int) -> None:
    with pytest.raises(BadTemplateRequest):
        names(pattern, count, first)


@given(st.integers(1, 50), st.integers(0, 2000), st.sampled_from(["a{n}", "{n:04}b", "c-{n:2}-d"]))
def test_no_name_comes_twice(count: int, first: int, pattern: str) -> None:
    assert len(set(names(pattern, count, first))) == count
