"""`guestwright host clipboard set`: put a text into a guest's clipboard."""

from __future__ import annotations

from typing import Any

import click

from guestwright.base.printable import printable
from guestwright.cli.guest_data import input_text
from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.output import print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host clipboard set web1 < text
  echo hello | guestwright host clipboard set web1 --json

\b
The text is read from standard input, as it may be secret; at most 256 KiB of UTF-8.

{EXITS}"""


@click.command("set", epilog=_EPILOG, short_help="Put a text into a guest's clipboard.")
@click.argument("name")
@service_options
def clipboard_set(name: str, **params: Any) -> None:
    """Put standard input into the clipboard of the guest in the domain NAME."""
    from guestwright.host.client import inside

    text = input_text()
    with connect(params) as client:
        inside.clipboard_set(client, client.find(name)["domain"]["uuid"], text)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.clipboard", "schema": 1, "text": None})
        return
    say(f"{len(text)} character(s) are in the clipboard of {printable(name)}")
