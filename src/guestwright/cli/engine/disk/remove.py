"""`guestwright disk remove`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, confirmed, connect, engine_options, wait_options
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright disk remove old-image
  guestwright disk remove old-image --yes --wait

{EXITS}"""


@click.command("remove", epilog=_EPILOG, short_help="Remove a disk that nobody has.")
@click.argument("name", metavar="DISK")
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_options
@engine_options
def remove(name: str, *, yes: bool, **params: Any) -> int:
    """Remove DISK with all that is on it; one that a machine or a template has stays."""
    from guestwright.client.calls import disks
    from guestwright.client.kinds import DISKS

    with connect(params) as client:
        found = client.find(DISKS, name)
        confirmed(f"Remove the disk {found['name']} ({found['id']}) with all that is on it?", yes=yes)
        return begun(params, client, client.do(disks.remove(found["id"])))
