"""`guestwright host jobs`: all jobs."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.shown import clock
from guestwright.cli.host.table import table
from guestwright.cli.output import print_json, say

_EPILOG = f"""\b
Examples:
  guestwright host jobs
  guestwright host jobs --status running
  guestwright host jobs --json | jq -r '.jobs[] | select(.status == "failed") | .error.code'

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="All jobs of a host.")
@click.option(
    "--status",
    type=click.Choice(["pending", "running", "aborting", "done", "failed", "aborted"]),
    help="Only those.",
)
@service_options
def jobs(*, status: str | None, **params: Any) -> None:
    """List jobs, oldest first; those that ended stay until they are collected."""
    with connect(params) as client:
        found = client.jobs(status)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.jobs", "schema": 1, "jobs": found})
        return
    rows = [
        (
            one["id"],
            one["kind"],
            one["status"],
            "" if one["percent"] is None else f"{one['percent']} %",
            clock(one["created"]),
            one["error"]["message"] if one["error"] else one["text"],
        )
        for one in found
    ]
    for line in table(("ID", "KIND", "STATUS", "DONE", "SINCE", "WHAT"), rows):
        say(line)
