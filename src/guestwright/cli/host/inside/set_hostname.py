"""`guestwright host set hostname`: give a guest a name."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.inside.answered import answered
from guestwright.cli.host.options import EXITS, connect, service_options

_EPILOG = f"""\b
Examples:
  guestwright host set hostname web1 web2.example.org
  guestwright host set hostname web1 web2 --json

{EXITS}"""


@click.command("hostname", epilog=_EPILOG, short_help="Give a guest a name.")
@click.argument("name")
@click.argument("hostname")
@service_options
def set_hostname(name: str, hostname: str, **params: Any) -> None:
    """Have the guest in the domain NAME (or uuid) call itself HOSTNAME."""
    from guestwright.host.client import inside

    with connect(params) as client:
        text = inside.set_hostname(client, client.find(name)["domain"]["uuid"], hostname)
    answered(params, "hostname", text, f"the guest of {name} is called {hostname}")
