"""`guestwright host set clock`: set a guest's clock to the host's."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.inside.answered import answered
from guestwright.cli.host.options import EXITS, connect, service_options

_EPILOG = f"""\b
Examples:
  guestwright host set clock web1
  guestwright host set clock web1 --json

{EXITS}"""


@click.command("clock", epilog=_EPILOG, short_help="Set a guest's clock to the host's.")
@click.argument("name")
@service_options
def set_clock(name: str, **params: Any) -> None:
    """Set the clock of the guest in the domain NAME (or uuid) to the host's."""
    from guestwright.host.client import inside

    with connect(params) as client:
        text = inside.set_clock(client, client.find(name)["domain"]["uuid"])
    answered(params, "clock", text, f"the clock of {name} is set")
