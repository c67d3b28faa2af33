"""`guestwright host medium eject`: empty a CD or floppy drive."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.output import print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host medium eject web1 sda
  guestwright host medium eject web1 sda --force --json

{EXITS}"""


@click.command("eject", epilog=_EPILOG, short_help="Empty a CD or floppy drive.")
@click.argument("name")
@click.argument("drive")
@click.option("--force", is_flag=True, help="Even though the guest keeps the drive locked.")
@service_options
def medium_eject(name: str, drive: str, *, force: bool, **params: Any) -> None:
    """Take the medium out of the DRIVE (such as sda) of the domain NAME."""
    with connect(params) as client:
        path = client.drive(client.find(name)["domain"]["uuid"], drive)
        found = client.ask("DELETE", f"{path}?force=true" if force else path)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.drive", "schema": 1, "drive": found})
        return
    say(f"{found['target']} of {name} is empty")
