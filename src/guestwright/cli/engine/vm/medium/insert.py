"""`guestwright vm medium insert`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright disk upload drivers.iso --format raw --host one --storage main --wait
  guestwright vm medium insert win-1 sda --disk drivers
  guestwright vm medium insert win-1 sda --disk tools --change

\b
The disk's volume is a raw image in a storage domain of the machine's host.

{EXITS}"""


@click.command("insert", epilog=_EPILOG, short_help="Put an image into a drive.")
@click.argument("name", metavar="VM")
@click.argument("drive")
@click.option("--disk", required=True, metavar="DISK", help="What to put in; name or id.")
@click.option("--change", is_flag=True, help="It may take the place of another medium.")
@click.option("--force", is_flag=True, help="Even though the guest keeps the drive locked.")
@engine_options
def insert(name: str, drive: str, *, disk: str, change: bool, force: bool, **params: Any) -> None:
    """Put DISK into the DRIVE (sda, hdc …) of the machine VM."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import DISKS, VMS

    with connect(params) as client:
        machine, image = client.find(VMS, name)["id"], client.find(DISKS, disk)["id"]
        client.do(vms.insert(machine, drive, image, change=change, force=force))
    print_done(params, "medium", {"vm": machine, "drive": drive, "disk": image}, f"{disk} is in {drive}")
