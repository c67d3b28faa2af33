"""Tables for people: columns as wide as needed, states in colour on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

import click

from guestwright.base.printable import printable

_COLOURS: Final = {
    **dict.fromkeys(("running", "live", "done", "current", "connected", "yes"), "green"),
    **dict.fromkeys(("paused", "booting", "stale", "pending", "aborting", "outdated", "waiting"), "yellow"),
    **dict.fromkeys(("lost", "failed", "aborted", "no"), "red"),
    **dict.fromkeys(("halted", "never-seen", "off", "-"), "bright_black"),
}
_GAP: Final = "  "
_WIDEST: Final = 60  # columns of one cell; the last one of a row is never cut


def width(text: str) -> int:
    """Columns that a text takes on a terminal: wide characters (UAX #11) take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table.

    Args:
        head: names of the columns.
        rows: of as many cells; "" is shown as "-". What guests say may be in them.
    """
    shown = [
        [_cut(printable(cell) or "-", last=at == len(head) - 1) for at, cell in enumerate(row)]
        for row in rows
    ]
    widths = [max(width(cell) for cell in column) for column in zip(head, *shown, strict=True)]
    widths[-1] = 0  # nothing follows it
    lines = [click.style(_line(head, widths), bold=True)]
    for row in shown:
        padded = [_pad(cell, most) for cell, most in zip(row, widths, strict=True)]
        styled = [click.style(text, fg=_COLOURS.get(cell)) for text, cell in zip(padded, row, strict=True)]
        lines.append(_GAP.join(styled))
    return lines


def pairs(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Lines of names and values."""
    widest = max((width(name) for name, _ in rows), default=0)
    return [
        f"{click.style(_pad(name, widest), bold=True)}{_GAP}{printable(text) or '-'}" for name, text in rows
    ]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_pad(cell, most) for cell, most in zip(cells, widths, strict=True)).rstrip()


def _pad(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def _cut(text: str, *, last: bool) -> str:
    if last or width(text) <= _WIDEST:
        return text
    while width(text) >= _WIDEST:
        text = text[:-1]
    return text + "…"
