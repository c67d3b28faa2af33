"""`guestwright user list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright user list
  guestwright user list --filter role=admin --json

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("ROLE", of("role")),
    ("PAYLOADS", of("payload_contents")),
    ("EXEC", of("guest_exec")),
    ("ENABLED", of("enabled")),
    ("ID", of("id")),
    ("FULL NAME", of("full_name")),
)


@click.command("list", epilog=_EPILOG, short_help="Users.")
@list_options
def list_(**params: Any) -> None:
    """List users."""
    from guestwright.client.kinds import USERS

    print_list(params, "users", USERS.all, _COLUMNS)
