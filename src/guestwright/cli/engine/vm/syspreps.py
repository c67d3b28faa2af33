"""`guestwright vm syspreps`."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS, connect
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright vm syspreps win-1
  guestwright vm syspreps win-1 --filter state=failed --json | jq '.items[].error'

{EXITS}"""
_COLUMNS: Final = (
    ("ASKED", of("created")),
    ("BY", of("actor")),
    ("STATE", of("state")),
    ("%", of("percent")),
    ("ENDED", of("ended")),
    ("DOES", of("progress")),
    ("PROBLEM", of("error.message")),
)


@click.command("syspreps", epilog=_EPILOG, short_help="Syspreps of a machine, and how they ended.")
@click.argument("name", metavar="VM")
@list_options
def syspreps(name: str, **params: Any) -> None:
    """List the syspreps of the machine VM, newest first: who wanted them, how far they are."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        vm = client.find(VMS, name)["id"]
    print_list(params, "syspreps", partial(vms.syspreps, vm), _COLUMNS)
