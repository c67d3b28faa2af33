"""The `host file` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host.inside"
_COMMANDS: Final = {
    "read": (f"{_HERE}.file_read", "file_read", "Fetch a file of a guest."),
    "write": (f"{_HERE}.file_write", "file_write", "Write a file of a guest."),
}


@click.group("file", cls=LazyGroup, table=_COMMANDS, short_help="Files of a guest: read, write.")
def file() -> None:
    """Files of a guest, through its agent; where the host's settings and the guest's owner allow it."""
