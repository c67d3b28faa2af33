"""The `event` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.event"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Events that are kept."),
    "follow": (f"{_HERE}.follow", "follow", "Events as they happen."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="What happens, as the engine sees it.")
def event() -> None:
    """What happens to what the engine looks after."""
