"""`guestwright job show`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_one

_EPILOG: Final = f"""\b
Examples:
  guestwright job show 01jd8x2m7k3q4r5s6t7v8w9x0y
  guestwright job show 01jd8x2m7k3q4r5s6t7v8w9x0y --json

{EXITS}"""


@click.command("show", epilog=_EPILOG, short_help="One job.")
@click.argument("identity", metavar="ID")
@engine_options
def show(identity: str, **params: Any) -> None:
    """Show the job ID: what it does, what became of it, what it left."""
    from guestwright.client.calls import jobs

    with connect(params) as client:
        found = client.do(jobs.show(identity))
    print_one(params, "job", found)
