"""`guestwright vm medium eject`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright vm medium eject win-1 sda
  guestwright vm medium eject win-1 sda --force

{EXITS}"""


@click.command("eject", epilog=_EPILOG, short_help="Empty a drive.")
@click.argument("name", metavar="VM")
@click.argument("drive")
@click.option("--force", is_flag=True, help="Even though the guest keeps the drive locked.")
@engine_options
def eject(name: str, drive: str, *, force: bool, **params: Any) -> None:
    """Empty the DRIVE (sda, hdc …) of the machine VM."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        machine = client.find(VMS, name)["id"]
        client.do(vms.eject(machine, drive, force=force))
    print_done(params, "medium", {"vm": machine, "drive": drive, "disk": None}, f"{drive} is empty")
