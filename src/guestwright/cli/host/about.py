"""`guestwright host about`: the service, what it stands on, and who one is to it."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.shown import clock
from guestwright.cli.host.table import pairs
from guestwright.cli.output import human, print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host about
  guestwright host about --tls host7.lan --json

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="The service, its hypervisor, and who you are to it.")
@service_options
def about(**params: Any) -> None:
    """Show the service of a host: its hypervisor and store, what it allows, who one is, double identities."""
    with connect(params) as client:
        found, me = client.about(), client.whoami()
        twins = client.get("/v1/duplicates")["duplicates"]
    if params["as_json"]:
        body = {"about": found, "you": me, "duplicates": twins}
        print_json({"kind": "guestwright.host.about", "schema": 1, **body})
        return
    rows = [
        ("host", found["hostname"]),
        ("version", found["version"]),
        ("hypervisor", f"{found['hypervisor']} {found['hypervisor_version']} at {found['uri']}"),
        ("processors", str(found.get("cpus") or "")),
        ("memory", human(found["memory"]) if found.get("memory") else ""),
        ("store", found["store"]),
        ("since", clock(found["started"])),
        ("allows", ", ".join(found["granted"])),
        ("you are", f"{me['caller']}, {me['role']}"),
    ]
    lost = (one for one in ("hypervisor", "store") if found[f"{one}_lost"] is not None)
    rows += [(f"{one} lost", clock(found[f"{one}_lost"])) for one in lost]
    rows += [(f"two have the {one['kind']}", f"{one['value']}: {', '.join(one['domains'])}") for one in twins]
    for line in pairs(rows):
        say(line)
