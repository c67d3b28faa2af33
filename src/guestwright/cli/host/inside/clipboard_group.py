"""The `host clipboard` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host.inside"
_COMMANDS: Final = {
    "get": (f"{_HERE}.clipboard_get", "clipboard_get", "The next text that is copied in a guest."),
    "set": (f"{_HERE}.clipboard_set", "clipboard_set", "Put a text into a guest's clipboard."),
}


@click.group("clipboard", cls=LazyGroup, table=_COMMANDS, short_help="A guest's clipboard: get, set.")
def clipboard() -> None:
    """A guest's clipboard, through its agent; where the host's settings and the guest's owner allow it."""
