from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.printable import printable

CASES = {
    "plain": ("web1", "web1"),
    "blank": ("a b", "a b"),
    "newline": ("a\nb", "a\\x0ab"),
    "escape": ("\x1b[2J", "\\x1b[2J"),
    "bidi": ("a\u202eb", "a\\u202eb"),
    "undecodable": (os.fsdecode(b"\xff"), "\\xff"),
    "c1": ("\x9b", "\\x9b"),
    "unicode": ("größe", "größe"),
    "no-break space": ("a\u00a0b", "a\\xa0b"),
}


@pytest.mark.parametrize(("text", "shown"), CASES.values(), ids=CASES.keys())
def test_table(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.binary())
def test_any_bytes_become_one_printable_line(data: bytes) -> None:
    shown = printable(os.fsdecode(data))
    assert shown.isprintable()
