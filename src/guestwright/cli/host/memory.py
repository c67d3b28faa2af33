"""`guestwright host memory`: how much memory a guest is asked to have."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.output import human, print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host memory web1 1536
  guestwright host memory web1 2048 --json

\b
The guest's balloon driver follows, or does not; `host guest NAME` tells.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Ask a guest to have so much memory.")
@click.argument("name")
@click.argument("mib", type=click.IntRange(1, 1 << 30))
@service_options
def memory(name: str, mib: int, **params: Any) -> None:
    """Ask the guest in the domain NAME (or uuid) to have MIB of memory from now on, at most its maximum."""
    with connect(params) as client:
        uuid = client.find(name)["domain"]["uuid"]
        after = client.ask("PUT", f"/v1/domains/{uuid}/memory", {"target": mib << 20})
    if params["as_json"]:
        print_json({"kind": "guestwright.host.domain", "schema": 1, "domain": after})
        return
    has = after["domain"]["memory_actual"]
    say(f"{after['domain']['name']} is asked for {human(mib << 20)}; it has {human(has)}")
