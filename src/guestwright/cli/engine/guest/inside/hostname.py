"""`guestwright guest hostname`: give a guest a name."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.printable import printable
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.output import print_json, say

_EPILOG: Final = f"""\b
Examples:
  guestwright guest hostname web-1 web-1.example.org
  guestwright guest hostname web-1 web-1 --json

{EXITS}"""


@click.command("hostname", epilog=_EPILOG, short_help="Give a guest a name.")
@click.argument("name", metavar="VM")
@click.argument("wanted", metavar="NAME")
@engine_options
def hostname(name: str, wanted: str, **params: Any) -> None:
    """Have the guest in the machine VM call itself NAME; the machine keeps its own."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        said = client.do(guests.hostname(client.find(VMS, name)["id"], wanted))
    if params["as_json"]:
        print_json({"kind": "guestwright.guest.hostname", "schema": 1, "hostname": wanted, "said": said})
        return
    say(f"{printable(name)}: {printable(said)}" if said else f"{printable(name)} is {printable(wanted)} now")
