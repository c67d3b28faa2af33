"""`guestwright guest clipboard get`: the next text that comes into a guest's clipboard."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.guest_data import pasted

_EPILOG: Final = f"""\b
Examples:
  guestwright guest clipboard get web-1 --wait 30
  guestwright guest clipboard get web-1 --json | jq -r .text

{EXITS}"""


@click.command("get", epilog=_EPILOG, short_help="The next text that is copied in a guest.")
@click.argument("name", metavar="VM")
@click.option(
    "--wait",
    type=click.FloatRange(0, 50),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="For somebody to copy one.",
)
@engine_options
def clipboard_get(name: str, *, wait: float, **params: Any) -> None:
    """Write the next text that is copied in the guest of the machine VM to standard output."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        text = client.do(guests.clipboard_get(client.find(VMS, name)["id"], wait))
    pasted(text, "guestwright.guest.clipboard", as_json=params["as_json"])
