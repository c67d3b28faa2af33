"""The `audit` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.audit"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Who did what, and how it ended."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Who did what, and how it ended.")
def audit() -> None:
    """Who did what, when, from where, and how it ended."""
