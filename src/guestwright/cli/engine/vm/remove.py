"""`guestwright vm remove`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, confirmed, connect, engine_options, wait_options
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright vm remove web-1
  guestwright vm remove web-1 --yes --wait

{EXITS}"""


@click.command("remove", epilog=_EPILOG, short_help="Remove a machine with its disks.")
@click.argument("name", metavar="VM")
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_options
@engine_options
def remove(name: str, *, yes: bool, **params: Any) -> int:
    """Remove the machine VM and its disks, as a job."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        found = client.find(VMS, name)
        confirmed(f"Remove {name} ({found['id']}) with its disks?", yes=yes)
        return begun(params, client, client.do(vms.remove(found["id"])))
