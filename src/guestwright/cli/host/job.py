"""`guestwright host job`: look at one job, wait for it, cancel it, collect its result."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from guestwright.base.errors import EXIT_FAILED, EXIT_OK
from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.shown import clock
from guestwright.cli.host.table import pairs
from guestwright.cli.output import print_json, say

_ENDED: Final = ("done", "failed", "aborted")
_WAIT: Final = 50  # seconds that the service waits at most

_EPILOG = f"""\b
Examples:
  guestwright host job 01jd8x2m7k3q4r5s6t7v8w9x0y
  guestwright host job 01jd8x2m7k3q4r5s6t7v8w9x0y --wait --collect
  guestwright host job 01jd8x2m7k3q4r5s6t7v8w9x0y --cancel

\b
With --wait the exit code is 1 when the job failed or was aborted.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Look at a job, wait for it, cancel or collect it.")
@click.argument("name", metavar="ID")
@click.option("--cancel", is_flag=True, help="Have it given up.")
@click.option("--wait", is_flag=True, help="Until it has ended.")
@click.option("--collect", is_flag=True, help="Forget it once its result is shown.")
@service_options
def job(name: str, *, cancel: bool, wait: bool, collect: bool, **params: Any) -> int:
    """Show the job ID; it can be waited for, cancelled and collected, in this order."""
    with connect(params) as client:
        found = client.cancel_job(name) if cancel else client.job(name)
        while wait and found["status"] not in _ENDED:
            found = client.job(name, _WAIT)
        if collect:
            found = client.collect_job(name)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.job", "schema": 1, "job": found})
    else:
        for line in pairs(_rows(found)):
            say(line)
    return EXIT_FAILED if wait and found["status"] != "done" else EXIT_OK


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    percent = "" if found["percent"] is None else f", {found['percent']} %"
    rows = [
        ("id", found["id"]),
        ("kind", found["kind"]),
        ("status", found["status"] + percent),
        ("does", found["text"]),
        ("created", clock(found["created"])),
        ("ended", clock(found["ended"])),
        ("parameters", json.dumps(found["parameters"], ensure_ascii=False)),
    ]
    if found["error"]:
        rows += [("error", f"{found['error']['message']} ({found['error']['code']})")]
        rows += [("hint", found["error"]["hint"])]
    if found["result"] is not None:
        rows += [("result", json.dumps(found["result"], ensure_ascii=False))]
    return rows
