"""`guestwright disk list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright disk list
  guestwright disk list --filter 'name~web-*' --json

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("SHARED", of("shareable")),
    ("VOLUME", of("volume_id")),
    ("ID", of("id")),
    ("DESCRIPTION", of("description")),
)


@click.command("list", epilog=_EPILOG, short_help="Disks.")
@list_options
def list_(**params: Any) -> None:
    """List disks."""
    from guestwright.client.kinds import DISKS

    print_list(params, "disks", DISKS.all, _COLUMNS)
