"""Values as text and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.errors import UsageError
from guestwright.cli.store.escape import escape, unescape


@given(st.binary(max_size=200))
def test_every_value_comes_back(value: bytes) -> None:
    text = escape(value)
    assert text.isascii()
    assert text.isprintable()
    assert unescape(text) == value


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_escaping_needs_no_context(one: bytes, other: bytes) -> None:
    assert escape(one) + escape(other) == escape(one + other)
    assert unescape(escape(one) + escape(other)) == one + other


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", b""),
        ("plain", b"plain"),
        (r"\t\n\r\\", b"\t\n\r\\"),
        (r"\q\8", b"q8"),
        (r"\18\1234\400", b"\x018S4\0"),
        (r"\x1\x12\x123\x", b"\1\x12\x123x"),
        ("grün", "grün".encode()),
        ("\udcff", b"\xff"),
        ("two\nlines", b"two\nlines"),
        ("\\\n", b"\n"),
    ],
)
def test_what_texts_stand_for(text: str, value: bytes) -> None:
    assert unescape(text) == value


@pytest.mark.parametrize("text", ["\\", "a\\", "\\\\\\"])
def test_a_lone_backslash_at_the_end(text: str) -> None:
    with pytest.raises(UsageError):
        unescape(text)
