"""`guestwright payload list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright payload list
  guestwright payload list --filter 'name~web*' --json

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("VERSION", of("current")),
    ("CHANGED", of("changed")),
    ("ID", of("id")),
    ("DESCRIPTION", of("description")),
)


@click.command("list", epilog=_EPILOG, short_help="Payloads that the engine keeps.")
@list_options
def list_(**params: Any) -> None:
    """List payloads that the engine keeps."""
    from guestwright.client.kinds import PAYLOADS

    print_list(params, "payloads", PAYLOADS.all, _COLUMNS)
