"""`guestwright host list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright host list
  guestwright host list --filter state=up --json

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("STATE", of("state")),
    ("ADDRESS", of("address")),
    ("HYPERVISOR", of("hypervisor")),
    ("CPUS", of("cpus")),
    ("MEMORY", of("memory")),
    ("ID", of("id")),
    ("REASON", of("reason")),
)


@click.command("list", epilog=_EPILOG, short_help="Hosts that the engine looks after.")
@list_options
def list_(**params: Any) -> None:
    """List hosts that the engine looks after."""
    from guestwright.client.kinds import HOSTS

    print_list(params, "hosts", HOSTS.all, _COLUMNS)
