"""`guestwright vm show`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_one

_EPILOG: Final = f"""\b
Examples:
  guestwright vm show web-1
  guestwright vm show web-1 --json | jq .vm.guest

{EXITS}"""


@click.command("show", epilog=_EPILOG, short_help="One machine, all of it.")
@click.argument("name", metavar="VM")
@engine_options
def show(name: str, **params: Any) -> None:
    """Show the machine VM: disks, network cards, guest."""
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        found = client.do(VMS.show(client.find(VMS, name)["id"]))
    print_one(params, "vm", found)
