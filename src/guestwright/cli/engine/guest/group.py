"""The `guest` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.guest"
_COMMANDS: Final = {
    "facts": (f"{_HERE}.facts", "facts", "What a guest says of itself."),
    "exec": (f"{_HERE}.exec_", "exec_", "Run a program in a guest."),
    "file": (f"{_HERE}.inside.file_group", "file", "Files of guests."),
    "clipboard": (f"{_HERE}.inside.clipboard_group", "clipboard", "Clipboards of guests."),
    "hostname": (f"{_HERE}.inside.hostname", "hostname", "Give a guest a name."),
    "history": (f"{_HERE}.history", "history", "Former values of a fact."),
    "alarms": (f"{_HERE}.alarms", "alarms", "Identities that several machines claim."),
    "capabilities": (f"{_HERE}.capabilities", "capabilities", "What may be done now, and why not."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="What runs in machines: facts, programs, files.")
def guest() -> None:
    """What runs in machines. Facts are claims of the guest, with their age."""
