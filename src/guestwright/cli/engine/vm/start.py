"""`guestwright vm start`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright vm start web-1

{EXITS}"""


@click.command("start", epilog=_EPILOG, short_help="Start a machine.")
@click.argument("name", metavar="VM")
@engine_options
def start(name: str, **params: Any) -> None:
    """Start the machine VM."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        found = client.do(vms.power(client.find(VMS, name)["id"], "start"))
    print_done(params, "vm", found, f"{name} starts")
