"""`guestwright job cancel`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright job cancel 01jd8x2m7k3q4r5s6t7v8w9x0y

{EXITS}"""


@click.command("cancel", epilog=_EPILOG, short_help="Have a job given up.")
@click.argument("identity", metavar="ID")
@engine_options
def cancel(identity: str, **params: Any) -> None:
    """Have the job ID given up; what it has begun is undone."""
    from guestwright.client.calls import jobs

    with connect(params) as client:
        found = client.do(jobs.cancel(identity))
    print_done(params, "job", found, f"job {identity} is given up")
