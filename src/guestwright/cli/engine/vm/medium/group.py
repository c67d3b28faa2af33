"""The `vm medium` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.vm.medium"
_COMMANDS: Final = {
    "insert": (f"{_HERE}.insert", "insert", "Put an image into a drive."),
    "eject": (f"{_HERE}.eject", "eject", "Empty a drive."),
}


@click.group("medium", cls=LazyGroup, table=_COMMANDS, short_help="Media in CD and floppy drives.")
def medium() -> None:
    """Media in CD and floppy drives of machines."""
