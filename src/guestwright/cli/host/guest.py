"""`guestwright host guest`: one domain, what its guest says, and what may be done."""

from __future__ import annotations

import time
from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.shown import rows_of
from guestwright.cli.host.table import pairs, table
from guestwright.cli.output import print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host guest web1
  guestwright host guest 0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01
  guestwright host guest web1 --json | jq '.guest.facts.nics.value[].addresses[].address'

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="One domain: its guest, and what may be done.")
@click.argument("name")
@service_options
def guest(name: str, **params: Any) -> None:
    """Show the domain NAME (or uuid): what its guest says, and which operations are possible."""
    with connect(params) as client:
        domain = client.find(name)
        uuid = domain["domain"]["uuid"]
        known, capabilities = client.guest(uuid), client.capabilities(uuid)
    if params["as_json"]:
        body = {"domain": domain, "guest": known, "capabilities": capabilities}
        print_json({"kind": "guestwright.host.guest", "schema": 1, **body})
        return
    for line in pairs(rows_of(domain, known, time.time())):
        say(line)
    say()
    rows = [
        (one["operation"], "yes" if one["allowed"] else "no", _why(one["text"], one["remedy"]))
        for one in capabilities
    ]
    for line in table(("OPERATION", "NOW", "WHY NOT, AND WHAT TO DO"), rows):
        say(line)


def _why(text: str, remedy: str) -> str:
    return f"{text}; {remedy}" if remedy else text
