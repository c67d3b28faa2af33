"""The `host medium` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host"
_COMMANDS: Final = {
    "insert": (f"{_HERE}.medium_insert", "medium_insert", "Put an image into a CD or floppy drive."),
    "eject": (f"{_HERE}.medium_eject", "medium_eject", "Empty a CD or floppy drive."),
}


@click.group("medium", cls=LazyGroup, table=_COMMANDS, short_help="CD and floppy drives: insert, eject.")
def medium() -> None:
    """Media in the CD and floppy drives of a domain; `host guest NAME --json` lists its drives."""
