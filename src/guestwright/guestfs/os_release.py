r"""os-release and files like it: assignments as a shell would read them, without running one.

Source: os-release(5) of systemd: one assignment in a line; values in single or double quotes when they hold
more than letters and digits; in double quotes `$`, `"`, `\\` and the backtick are escaped by a backslash. No
expansion of any sort. What is not such a line is passed over.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LINES: Final = 4096
MAX_VALUE: Final = 4096

_ASSIGNMENT: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII | re.DOTALL)
_PIECE: Final = re.compile(
    r"""
      '([^']*)'                  # single quotes: as it is
    | "((?:[^"\\]|\\.)*)"        # double quotes
    | ((?:[^\s'"\\;&|<>()]|\\.)+)  # bare: ends where a shell's word would
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_IN_QUOTES: Final = re.compile(r"\\([$\"\\`])")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def parse(text: str) -> dict[str, str]:
    """Read the assignments; a later one wins.

    Args:
        text: the file's content.

    Returns:
        Name to value, quotes and escapes taken away.
    """
    found = {}
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment is None or len(line) > MAX_VALUE:
            continue
        value = _value(assignment[2].rstrip())
        if value is not None:
            found[assignment[1]] = value
    return found


def _value(raw: str) -> str | None:
    """The word that `raw` starts with; None when a quote in it is left open."""
    pieces = []
    at = 0
    while at < len(raw):
        piece = _PIECE.match(raw, at)
        if piece is None:
            if raw[at].isspace() or raw[at] in ";&|<>()":
                break  # the rest is a comment or a command
            return None
        single, double, bare = piece.groups()
        if single is not None:
            pieces.append(single)
        elif double is not None:
            pieces.append(_ESCAPED_IN_QUOTES.sub(r"\1", double))
        else:
            pieces.append(_ESCAPED.sub(r"\1", bare))
        at = piece.end()
    return "".join(pieces)
