"""`guestwright store watch`: what changes."""

from __future__ import annotations

import json
from typing import Any

import click

from guestwright.base.printable import printable
from guestwright.cli.output import warn
from guestwright.cli.store.group import INTERRUPTED
from guestwright.cli.store.options import connect, put, server_options
from guestwright.xenstore.client.connection import PATIENCE
from guestwright.xenstore.client.watching import Event

_EPILOG = """\b
Examples:
  guestwright store watch /local/domain/5/data
  guestwright store watch -n 2 --wait 10 /local/domain/5/control/shutdown
  guestwright store watch --json @introduceDomain @releaseDomain

\b
The first event of each path comes at once. Exit codes: 0 so many events came as
-n says, 1 failed or none came within --wait, 130 interrupted."""


@click.command(epilog=_EPILOG, short_help="Print the path of everything that changes.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-n", "count", type=click.IntRange(min=0), metavar="COUNT", help="End after so many events.")
@click.option(
    "--wait", type=click.FloatRange(min=0), metavar="SECONDS", help="Fail when no event comes for so long."
)
@server_options
def watch(**params: Any) -> int:
    """Print a line for each event at or below each PATH, for ever; as xenstore-watch.

    When the server goes away and comes back, watching goes on, and a line on standard error (with --json,
    "missed") says that events may have been lost.
    """
    left = params["count"]
    try:
        with connect(params, patience=PATIENCE) as store, store.watch(*params["paths"]) as events:
            while left is None or left > 0:
                _show(events.get(params["wait"]), as_json=params["as_json"])
                left = None if left is None else left - 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _show(event: Event, *, as_json: bool) -> None:
    if as_json:
        body = {"path": event.path, "watched": event.watched, "missed": event.missed}
        put(json.dumps(body).encode() + b"\n")
        return
    if event.missed:
        warn("guestwright: the connection was lost for a while; events may have been missed")
    put(printable(event.path).encode() + b"\n")
