"""The `guest clipboard` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.guest.inside"
_COMMANDS: Final = {
    "get": (f"{_HERE}.clipboard_get", "clipboard_get", "The next text that is copied in a guest."),
    "set": (f"{_HERE}.clipboard_set", "clipboard_set", "Put a text into a guest's clipboard."),
}


@click.group("clipboard", cls=LazyGroup, table=_COMMANDS, short_help="Clipboards of guests.")
def clipboard() -> None:
    """Clipboards of guests, where their owners allow that."""
