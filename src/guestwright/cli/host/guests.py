"""`guestwright host guests`: all domains with what their guests say."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.shown import addresses, system
from guestwright.cli.host.table import table
from guestwright.cli.output import print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host guests
  guestwright host guests --tls host7.lan
  guestwright host guests --json | jq -r '.domains[] | select(.agent.state == "lost") | .domain.name'

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="All domains with what their guests say.")
@service_options
def guests(**params: Any) -> None:
    """List the domains of a host: power, agent, operating system, addresses."""
    with connect(params) as client:
        domains, known = client.domains(), {one["uuid"]: one for one in client.guests()}
    if params["as_json"]:
        body = [{**one, "guest": known.get(one["domain"]["uuid"])} for one in domains]
        print_json({"kind": "guestwright.host.guests", "schema": 1, "domains": body})
        return
    rows = []
    for one in domains:
        guest = known.get(one["domain"]["uuid"])
        agent = (one["agent"] or {}).get("state", "")
        busy = f"{one['power']}, {one['busy']}" if one["busy"] else one["power"]
        rows.append((one["domain"]["name"], busy, agent, system(guest), " ".join(addresses(guest))))
    for line in table(("NAME", "POWER", "AGENT", "SYSTEM", "ADDRESSES"), rows):
        say(line)
