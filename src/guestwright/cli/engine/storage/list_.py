"""`guestwright storage list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright storage list
  guestwright storage list --sort name --json

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("STATE", of("state")),
    ("FREE", of("free")),
    ("OF", of("capacity")),
    ("HOST", of("host_id")),
    ("ID", of("id")),
    ("REASON", of("reason")),
)


@click.command("list", epilog=_EPILOG, short_help="Storage domains.")
@list_options
def list_(**params: Any) -> None:
    """List storage domains."""
    from guestwright.client.kinds import STORAGE

    print_list(params, "storage", STORAGE.all, _COLUMNS)
