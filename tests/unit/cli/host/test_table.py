"""Tables: aligned whatever is in them, and never a word to the terminal by a guest."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.cli.host.power import ACTIONS
from guestwright.cli.host.shown import age
from guestwright.cli.host.table import pairs, table, width
from guestwright.host.service.port import PowerAction

CELLS = st.text(max_size=80)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6))
def test_columns_begin_at_the_same_place_and_nothing_drives_the_terminal(
    rows: list[tuple[str, str, str]],
) -> None:
    lines = [click.unstyle(one) for one in table(("A", "B", "Z"), [(a, b, "|end") for a, b, _ in rows])]
    assert len(lines) == len(rows) + 1
    assert all(one.isprintable() for one in lines)
    places = {width(one[: one.rindex("|end")]) for one in lines[1:]}
    assert len(places) <= 1


def test_cells() -> None:
    assert [click.unstyle(one) for one in table(("NAME", "X"), [("a", ""), ("中文", "b")])] == [
        "NAME  X",
        "a     -",
        "中文  b",
    ]
    assert [click.unstyle(one) for one in pairs([("a", "1"), ("long", "\x1b[2J")])] == [
        "a     1",
        "long  \\x1b[2J",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (59, "59 s"), (61, "1 min"), (7200, "2 h"), (2e5, "2 d")]
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_the_command_knows_every_action() -> None:
    assert list(ACTIONS) == list(PowerAction)
