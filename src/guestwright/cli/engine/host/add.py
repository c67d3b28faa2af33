"""`guestwright host add`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright host add node1 node1.lan:8443
  guestwright host add here unix:/run/guestwright/api.sock

{EXITS}"""


@click.command("add", epilog=_EPILOG, short_help="Have the engine look after a host.")
@click.argument("name")
@click.argument("address")
@engine_options
def add(name: str, address: str, **params: Any) -> None:
    """Have the engine look after the host at ADDRESS, as NAME.

    ADDRESS is HOST:PORT of the host's service, or unix:PATH on the engine's machine.
    """
    from guestwright.client.calls import hosts

    with connect(params) as client:
        found = client.do(hosts.add(name, address))
    print_done(params, "host", found, f"{name} is {found.get('state')}")
