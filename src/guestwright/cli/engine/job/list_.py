"""`guestwright job list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import limit_option, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import Json, of

_EPILOG: Final = f"""\b
Examples:
  guestwright job list
  guestwright job list --status running
  guestwright job list --group 01jd8x2m7k3q4r5s6t7v8w9x0y --json

{EXITS}"""


def _done(job: Json) -> str:
    return f"{job.get('done')}/{job['total']}" if job.get("total") else ""


def _what(job: Json) -> str:
    """Why it failed, else what it does, else what it is about."""
    error, given = job.get("error"), job.get("parameters")
    if isinstance(error, dict):
        return str(error.get("message", ""))
    return str(job.get("note") or (given.get("name", "") if isinstance(given, dict) else ""))


_COLUMNS: Final = (
    ("ID", of("id")),
    ("KIND", of("kind")),
    ("STATUS", of("status")),
    ("DONE", _done),
    ("SINCE", of("created")),
    ("WHAT", _what),
)


@click.command("list", epilog=_EPILOG, short_help="Jobs, oldest first.")
@click.option(
    "--status",
    type=click.Choice(["pending", "running", "compensating", "done", "compensated"]),
    default=None,
    help="Only those.",
)
@click.option("--group", default="", metavar="ID", help="Only those that this job has begun.")
@limit_option
def list_(*, status: str | None, group: str, **params: Any) -> None:
    """List jobs, oldest first."""
    from guestwright.client.calls import jobs

    print_list(params, "jobs", jobs.all_jobs, _COLUMNS, status=status or "", group=group)
