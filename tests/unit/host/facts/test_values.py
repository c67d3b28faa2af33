"""Single values."""

from __future__ import annotations

import pytest

from guestwright.host.facts import values


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("007", 7), ("-1", None), ("", None), ("-", None), (None, None), ("1e3", None), ("٣", None),
     ("²", None), (" 1", None), ("1_0", None), ("9" * 16, None), ("9" * 400, None)],
)  # fmt: skip
def test_integer(text: str | None, expected: int | None) -> None:
    assert values.integer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:16:3E:00:00:01", "00:16:3e:00:00:01"),
        ("00-16-3e-00-00-01", "00:16:3e:00:00:01"),
        ("00:16:3e:00:00", ""),
        ("00:16:3e:00:00:0g", ""),
        (None, ""),
    ],
)
def test_mac(text: str | None, expected: str) -> None:
    assert values.mac(text) == expected


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("192.0.2.1", "global"),
        ("127.0.0.1", "host"),
        ("169.254.1.1", "link"),
        ("fe80::1", "link"),
        ("fec0::1", "site"),
        ("2001:db8::1", "global"),
    ],
)
def test_scope(text: str, scope: str) -> None:
    assert values.scope(text) == scope
