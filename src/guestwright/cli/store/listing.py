"""The lines of `store ls`, as xenstore-ls prints them.

Theory of operation: names and values are cut so that a line fits into the width, permissions begin in a
column of their own. Both follow xenstore-ls of Xen 4.17, whose arithmetic has quirks: whether a value fits is
decided by its length before it is made printable, and a width too small for anything cuts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guestwright.base.printable import printable
from guestwright.cli.store.escape import escape
from guestwright.xenstore.client.operations import Node

PERMISSIONS_AT: Final = 60  # column
NO_TERMINAL: Final = 80  # columns
_AROUND: Final = len(' = "..."')
_UNSIGNED: Final = 0xFFFFFFFF


def lines(nodes: Sequence[Node], *, full: bool, perms: bool, width: int | None) -> Iterator[str]:
    """One line for each node but the first, where the listing starts.

    Args:
        nodes: as `operations.tree` gives them.
        full: whole paths in place of indented names.
        perms: permissions too.
        width: columns; None for any number.
    """
    for node in nodes[1:]:
        yield _line(node, full=full, perms=perms, width=width)


def _line(node: Node, *, full: bool, perms: bool, width: int | None) -> str:
    head, used = printable(node.path), 0
    if not full:
        indent = node.depth - 1
        name = printable(node.path[node.path.rfind("/") + 1 :])
        head = " " * indent + _cut(name, width, indent)
        used = len(head)
    shown = f"  ({','.join(node.perms)})" if perms else ""
    if node.value is None:
        return f"{head}:\n{shown}"
    value = escape(node.value)
    # unsigned in C: no terminal is too narrow by less than nothing
    if width is not None and width & _UNSIGNED < used + len(node.value) + _AROUND:
        return f'{head} = "{_cut(value, width, used)}\\..."{shown}'
    text = f' = "{value}"'
    if not perms:
        return head + text
    return head + text + " " + _dots(used + len(text) + 1, full=full, width=width) + shown


def _cut(text: str, width: int | None, used: int) -> str:
    room = -1 if width is None else width - _AROUND - used
    return text if room < 0 else text[:room]  # a negative precision of printf is none


def _dots(start: int, *, full: bool, width: int | None) -> str:
    end = PERMISSIONS_AT if width is None else min(PERMISSIONS_AT, width)
    return "" if full else "".join("." if column & 1 else " " for column in range(start, end))
