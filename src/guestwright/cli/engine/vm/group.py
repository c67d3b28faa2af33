"""The `vm` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.engine.vm"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Machines, with what their guests say."),
    "show": (f"{_HERE}.show", "show", "One machine, all of it."),
    "create": (f"{_HERE}.create", "create", "Make machines from a template."),
    "start": (f"{_HERE}.start", "start", "Start a machine."),
    "stop": (f"{_HERE}.stop", "stop", "Shut a machine down."),
    "reboot": (f"{_HERE}.reboot", "reboot", "Reboot a machine."),
    "memory": (f"{_HERE}.memory", "memory", "Ask a guest to have so much memory."),
    "medium": (f"{_HERE}.medium.group", "medium", "Media in CD and floppy drives."),
    "remove": (f"{_HERE}.remove", "remove", "Remove a machine with its disks."),
    "sysprep": (f"{_HERE}.sysprep", "sysprep", "Have a guest generalise itself."),
    "syspreps": (f"{_HERE}.syspreps", "syspreps", "Syspreps of a machine, and how they ended."),
    "wait": (f"{_HERE}.wait", "wait", "Wait for a guest."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Machines: make, start, look, sysprep, remove.")
def vm() -> None:
    """Machines, as the engine knows them."""
