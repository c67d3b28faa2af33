from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.core.text import digits, is_name, text, token


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", b""),
        (" \t\n", b"??"),
        ("plain", b"plain"),
        ("two words ", b"two words"),
        ("a\nb\0c\x1b", b"a?b?c?"),
        ("sch\xf6n", "sch\xf6n".encode()),
        ("half\udc80", b"half?"),
        ("\u202eright", b"?right"),
        ("x" * 300, b"x" * 255),
        ("\xf6" * 200, "\xf6".encode() * 127),
        ("\n" * 5000, b"?" * 255),
    ],
    ids=[
        "empty",
        "blank",
        "plain",
        "stripped",
        "control",
        "utf8",
        "surrogate",
        "bidi",
        "long",
        "cut",
        "much",
    ],
)
def test_text(value: str, expected: bytes) -> None:
    assert text(value) == expected


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=400), st.integers(0, 300))
def test_text_is_always_short_printable_utf8(value: str, size: int) -> None:
    found = text(value, size)
    assert len(found) <= size
    assert found.decode("utf-8").isprintable()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Debian", b"debian"), ("a/b c", b"abc"), ("opensuse-leap_15.5", b"opensuse-leap_15.5"), ("é", b"")],
)
def test_token(value: str, expected: bytes) -> None:
    assert token(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12", b"12"), ("", b""), ("1a", b""), ("unknown", b""), ("1234567890", b""), ("٣", b""), ("-1", b"")],
)
def test_digits(value: str, expected: bytes) -> None:
    assert digits(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("vif-0", True), ("", False), ("a/b", False), ("a.b", False), ("x" * 65, False), ("a:b", False)],
)
def test_is_name(value: str, expected: bool) -> None:
    assert is_name(value) is expected
