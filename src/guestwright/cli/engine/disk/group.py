"""The `disk` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.disk"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Disks."),
    "upload": (f"{_HERE}.upload", "upload", "Send a file and make it a disk."),
    "uploads": (f"{_HERE}.uploads", "uploads", "Uploads that are under way."),
    "remove": (f"{_HERE}.remove", "remove", "Remove a disk that nobody has."),
    "download": (f"{_HERE}.download", "download", "Fetch a disk's file."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Disks.")
def disk() -> None:
    """Disks, as their owners see them."""
