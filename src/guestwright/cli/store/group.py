"""The `store` group."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.lazy import LazyGroup
from guestwright.cli.output import warn

_HERE = "guestwright.cli.store"
_COMMANDS = {
    "ls": (f"{_HERE}.ls", "ls", "Show nodes and their values as a tree."),
    "list": (f"{_HERE}.list_", "list_", "Names of the nodes directly below."),
    "read": (f"{_HERE}.read", "read", "Values of nodes."),
    "write": (f"{_HERE}.write", "write", "Set values, all or none."),
    "rm": (f"{_HERE}.rm", "rm", "Remove nodes and all below them."),
    "mkdir": (f"{_HERE}.mkdir", "mkdir", "Make nodes with empty values."),
    "chmod": (f"{_HERE}.chmod", "chmod", "Set who may read and write a node."),
    "exists": (f"{_HERE}.exists", "exists", "Whether nodes are there: exit status 0 or 1."),
    "watch": (f"{_HERE}.watch", "watch", "Print the path of everything that changes."),
    "dump": (f"{_HERE}.dump", "dump", "Save a subtree with its permissions as JSON."),
    "restore": (f"{_HERE}.restore", "restore", "Write a saved subtree back."),
    "serve": (f"{_HERE}.serve", "serve", "Be a xenstored."),
}

INTERRUPTED: Final = 130

_EPILOG = """\b
ls, list, read, write, rm, chmod, exists and watch print what Xen's xenstore-ls,
xenstore-list, ... print, and take their options.

\b
Exit codes: 0 done (exists: all are there), 1 failed, 2 wrong usage. What is
changed by one call is changed all or nothing.

\b
The server is looked for at $XENSTORED_PATH, $XENSTORED_RUNDIR/socket,
/run/xenstored/socket and, in guests, /dev/xen/xenbus; --socket names it."""


class StoreGroup(LazyGroup):
    """Says what an interruption means: a request that was sent may have been done."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its exit status."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            warn("guestwright: interrupted; what was under way may have been done, but whole or not at all")
            return INTERRUPTED


@click.group(
    cls=StoreGroup, table=_COMMANDS, epilog=_EPILOG, short_help="Look into a xenstore and change it."
)
def store() -> None:
    """Look into a xenstore and change it: Xen's own, or the one that `store serve` offers on KVM."""
