"""Commands that ask about several paths show what they found before the first one that failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from guestwright.cli.store.options import together
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import Conflict, Refused
from guestwright.xenstore.client.tree import Tree

T = TypeVar("T")


def each(
    store: Client, paths: Sequence[str], ask: Callable[[Tree, str], T]
) -> tuple[list[tuple[str, T]], Refused | None]:
    """Ask about paths, all at the same moment in the life of the store.

    Args:
        store: the client.
        paths: in order.
        ask: about one path.

    Returns:
        Paths and answers, as far as there were answers, and why there were no more.
    """

    def work(inside: Tree) -> tuple[list[tuple[str, T]], Refused | None]:
        found: list[tuple[str, T]] = []
        for path in paths:
            try:
                found.append((path, ask(inside, path)))
            except Conflict:
                raise
            except Refused as error:
                return found, error
        return found, None

    return together(store, work, several=len(paths) > 1)
