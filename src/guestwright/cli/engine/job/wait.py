"""`guestwright job wait`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright job wait 01jd8x2m7k3q4r5s6t7v8w9x0y
  guestwright job wait 01jd8x2m7k3q4r5s6t7v8w9x0y --timeout 600

\b
The exit code is 1 when the job was undone.

{EXITS}"""


@click.command("wait", epilog=_EPILOG, short_help="Wait for a job's end.")
@click.argument("identity", metavar="ID")
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait no longer.  [default: for ever]"
)
@engine_options
def wait(identity: str, **params: Any) -> int:
    """Wait for the end of the job ID, also while the engine is restarted."""
    from guestwright.client.calls import jobs

    with connect(params) as client:
        return begun({**params, "wait": True}, client, client.do(jobs.show(identity)))
