"""`guestwright payload detach`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright payload detach web web-1

{EXITS}"""


@click.command("detach", epilog=_EPILOG, short_help="Take a payload from a machine.")
@click.argument("name")
@click.argument("vm", metavar="VM")
@engine_options
def detach(name: str, vm: str, **params: Any) -> None:
    """Take the payload NAME from the machine VM."""
    from guestwright.client.calls import vms
    from guestwright.client.errors import NoSuchThing
    from guestwright.client.kinds import PAYLOADS, VMS

    with connect(params) as client:
        payload, machine = client.find(PAYLOADS, name)["id"], client.find(VMS, vm)["id"]
        uses = [one for one in client.all(vms.payloads(machine)) if one.get("payload_id") == payload]
        if not uses:
            raise NoSuchThing(kind=f"payload of {vm}", name=name)
        for one in uses:
            client.do(vms.detach(machine, str(one["id"])))
    print_done(params, "payload.use", uses[0], f"{vm} gets {name} no more")
