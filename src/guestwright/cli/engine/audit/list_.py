"""`guestwright audit list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import limit_option, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright audit list --limit 20
  guestwright audit list --actor ann --json | jq '.items[] | select(.outcome == "denied")'
  guestwright audit list --subject 0198f5c0-7a3a-7a43-9e0e-2f1f3f3d9aff --limit 0

{EXITS}"""
_COLUMNS: Final = (
    ("AT", of("at")),
    ("WHO", of("actor")),
    ("FROM", of("remote")),
    ("ACTION", of("action")),
    ("SUBJECT", of("subject")),
    ("OUTCOME", of("outcome")),
    ("MORE", of("detail")),
)


@click.command("list", epilog=_EPILOG, short_help="Who did what, and how it ended.")
@click.option("--actor", metavar="NAME", default="", help="Only what this user did.")
@click.option("--subject", metavar="ID", default="", help="Only what was about this: an id, or a name.")
@limit_option
def list_(*, actor: str, subject: str, **params: Any) -> None:
    """List the lines of the audit log, newest first."""
    from guestwright.client.calls import jobs

    print_list(params, "audit", jobs.audit, _COLUMNS, actor=actor, subject=subject)
