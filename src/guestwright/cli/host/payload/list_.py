"""`guestwright host payload list`: payloads of a domain."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.table import table
from guestwright.cli.output import print_json, say

_EPILOG: Final = f"""\b
Examples:
  guestwright host payload list web1
  guestwright host payload list web1 --json

{EXITS}"""


@click.command("list", epilog=_EPILOG, short_help="Payloads of a domain, and how far they are.")
@click.argument("name")
@service_options
def list_(name: str, **params: Any) -> None:
    """List the payloads of the domain NAME, without their contents."""
    with connect(params) as client:
        found = client.get(f"/v1/domains/{client.find(name)['domain']['uuid']}/payloads")["payloads"]
    if params["as_json"]:
        print_json({"kind": "guestwright.host.payloads", "schema": 1, "payloads": found})
        return
    rows = [
        (one["persistence"], one["form"], one["label"], one["state"], _drive(one), one["reason"])
        for one in found
    ]
    for line in table(("WHEN", "FORM", "LABEL", "STATE", "DRIVE", "REASON"), rows):
        say(line)


def _drive(one: dict[str, Any]) -> str:
    place = one["place"]
    return f"{place['target']} ({place['device']})" if place and one["inside"] else ""
