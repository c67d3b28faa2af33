"""`guestwright host volume list`: volumes with their states."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.shown import clock
from guestwright.cli.host.table import table
from guestwright.cli.output import human, print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host volume list
  guestwright host volume list main
  guestwright host volume list --json | jq -r '.volumes[] | select(.state == "illegal").id'

{EXITS}"""


@click.command("list", epilog=_EPILOG, short_help="Volumes with their states.")
@click.argument("storage", required=False)
@service_options
def list_(*, storage: str | None, **params: Any) -> None:
    """List the volumes of the storage domain STORAGE, or of all."""
    found: list[dict[str, Any]] = []
    with connect(params) as client:
        for name in [storage] if storage else client.get("/v1/storage")["storage"]:
            listed = client.get(f"/v1/storage/{quote(name, safe='')}/volumes")["volumes"]
            found.extend({"storage": name, **one} for one in listed)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.volumes", "schema": 1, "volumes": found})
        return
    rows = [
        (
            f"{one['storage']}/{one['id']}",
            one["state"],
            one["kind"],
            one["format"],
            human(one["size"]),
            clock(one["created"]),
            one["reason"] or one["description"],
        )
        for one in found
    ]
    for line in table(("VOLUME", "STATE", "KIND", "FORMAT", "SIZE", "SINCE", "WHAT"), rows):
        say(line)
