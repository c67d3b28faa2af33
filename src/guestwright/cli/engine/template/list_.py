"""`guestwright template list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright template list
  guestwright template list --filter 'name~debian*' --json

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("CHANGED", of("changed")),
    ("ID", of("id")),
    ("DESCRIPTION", of("description")),
)


@click.command("list", epilog=_EPILOG, short_help="Templates.")
@list_options
def list_(**params: Any) -> None:
    """List templates."""
    from guestwright.client.kinds import TEMPLATES

    print_list(params, "templates", TEMPLATES.all, _COLUMNS)
