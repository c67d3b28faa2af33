"""`guestwright host enrol list`: what was issued."""

from __future__ import annotations

import time
from typing import Any

import click

from guestwright.cli.host.enrol.options import authority_of, enrol_options, grant_json, until
from guestwright.cli.host.table import table
from guestwright.cli.output import print_json, say

_EPILOG = """\b
Examples:
  guestwright host enrol list
  guestwright host enrol list --json | jq -r '.grants[] | select(.revoked == null) | .name'"""


@click.command("list", epilog=_EPILOG, short_help="What was issued.")
@enrol_options
def list_(**params: Any) -> None:
    """List the certificates of the service and of callers."""
    grants, now = authority_of(params).issued(), time.time()
    if params["as_json"]:
        body = [grant_json(one) for one in grants]
        print_json({"kind": "guestwright.enrol.grants", "schema": 1, "grants": body})
        return
    rows = [
        (
            one.name,
            one.role or "the service",
            until(one),
            "revoked" if one.revoked is not None else "good" if one.good(now) else "ended",
            one.serial,
        )
        for one in grants
    ]
    for line in table(("NAME", "ROLE", "UNTIL", "STATE", "NUMBER"), rows):
        say(line)
