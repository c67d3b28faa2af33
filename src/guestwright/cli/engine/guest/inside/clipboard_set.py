"""`guestwright guest clipboard set`: put a text into a guest's clipboard."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.printable import printable
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.guest_data import input_text
from guestwright.cli.output import print_json, say

_EPILOG: Final = f"""\b
Examples:
  guestwright guest clipboard set web-1 < text
  echo hello | guestwright guest clipboard set web-1 --json

\b
The text is read from standard input, as it may be secret; at most 256 KiB of UTF-8.

{EXITS}"""


@click.command("set", epilog=_EPILOG, short_help="Put a text into a guest's clipboard.")
@click.argument("name", metavar="VM")
@engine_options
def clipboard_set(name: str, **params: Any) -> None:
    """Put standard input into the clipboard of the guest in the machine VM."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    text = input_text()
    with connect(params) as client:
        client.do(guests.clipboard_set(client.find(VMS, name)["id"], text))
    if params["as_json"]:
        print_json({"kind": "guestwright.guest.clipboard", "schema": 1, "text": None})
        return
    say(f"{len(text)} character(s) are in the clipboard of {printable(name)}")
