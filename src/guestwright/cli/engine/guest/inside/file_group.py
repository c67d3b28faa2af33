"""The `guest file` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.guest.inside"
_COMMANDS: Final = {
    "read": (f"{_HERE}.file_read", "file_read", "Fetch a file of a guest."),
    "write": (f"{_HERE}.file_write", "file_write", "Write a file of a guest."),
}


@click.group("file", cls=LazyGroup, table=_COMMANDS, short_help="Files of guests.")
def file() -> None:
    """Files of guests, where their owners allow that."""
