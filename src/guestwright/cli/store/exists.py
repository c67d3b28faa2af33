"""`guestwright store exists`: are nodes there?"""

from __future__ import annotations

from typing import Any

import click

from guestwright.base.errors import EXIT_FAILED
from guestwright.cli.output import print_json
from guestwright.cli.store.options import connect, server_options, together

_EPILOG = """\b
Examples:
  guestwright store exists /local/domain/5/control/feature-reboot && echo can reboot

\b
Exit codes: 0 all are there, 1 at least one is not, or the answer is not known."""


@click.command(epilog=_EPILOG, short_help="Whether nodes are there: exit status 0 or 1.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@server_options
def exists(**params: Any) -> int:
    """Exit with 0 if every PATH is there, with 1 if not; as xenstore-exists."""
    paths = params["paths"]
    with connect(params) as store:
        found = together(
            store, lambda inside: {path: inside.exists(path) for path in paths}, several=len(paths) > 1
        )
    if params["as_json"]:
        print_json({"kind": "guestwright.store.exists", "schema": 1, "exists": found})
    return 0 if all(found.values()) else EXIT_FAILED
