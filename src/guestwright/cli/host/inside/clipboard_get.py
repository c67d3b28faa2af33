"""`guestwright host clipboard get`: the next text that comes into a guest's clipboard."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.guest_data import pasted
from guestwright.cli.host.options import EXITS, connect, service_options

_EPILOG = f"""\b
Examples:
  guestwright host clipboard get web1 --wait 30
  guestwright host clipboard get web1 --json | jq -r .text

{EXITS}"""


@click.command("get", epilog=_EPILOG, short_help="The next text that is copied in a guest.")
@click.argument("name")
@click.option(
    "--wait",
    type=click.FloatRange(0, 50),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="For somebody to copy one.",
)
@service_options
def clipboard_get(name: str, *, wait: float, **params: Any) -> None:
    """Write the next text that is copied in the guest of the domain NAME to standard output."""
    from guestwright.host.client import inside

    with connect(params) as client:
        text = inside.clipboard_get(client, client.find(name)["domain"]["uuid"], wait)
    pasted(text, "guestwright.host.clipboard", as_json=params["as_json"])
