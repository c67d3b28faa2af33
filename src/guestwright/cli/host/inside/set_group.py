"""The `host set` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host.inside"
_COMMANDS: Final = {
    "hostname": (f"{_HERE}.set_hostname", "set_hostname", "Give a guest a name."),
    "address": (f"{_HERE}.set_address", "set_address", "Set the address of a guest's interface."),
    "clock": (f"{_HERE}.set_clock", "set_clock", "Set a guest's clock to the host's."),
}


@click.group("set", cls=LazyGroup, table=_COMMANDS, short_help="A guest's name, addresses and clock.")
def set_() -> None:
    """Change a running guest's name, addresses or clock, through its agent.

    Only where the host's settings and the guest's owner allow it.
    """
