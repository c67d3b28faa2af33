"""`guestwright vm reboot`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright vm reboot web-1

{EXITS}"""


@click.command("reboot", epilog=_EPILOG, short_help="Reboot a machine.")
@click.argument("name", metavar="VM")
@engine_options
def reboot(name: str, **params: Any) -> None:
    """Have the guest in the machine VM reboot."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        found = client.do(vms.power(client.find(VMS, name)["id"], "reboot"))
    print_done(params, "vm", found, f"{name} reboots")
