"""The `storage` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.storage"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Storage domains."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Storage domains.")
def storage() -> None:
    """Where disks are kept."""
