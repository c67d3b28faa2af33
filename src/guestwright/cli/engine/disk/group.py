"""The `disk` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.disk"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Disks."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Disks.")
def disk() -> None:
    """Disks, as their owners see them."""
