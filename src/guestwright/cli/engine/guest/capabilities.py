"""`guestwright guest capabilities`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import of, print_items

_EPILOG: Final = f"""\b
Examples:
  guestwright guest capabilities web-1
  guestwright guest capabilities web-1 --json | jq '.items[] | select(.allowed)'

{EXITS}"""
_COLUMNS: Final = (
    ("OPERATION", of("operation")),
    ("ALLOWED", of("allowed")),
    ("WHY NOT", of("text")),
    ("REMEDY", of("remedy")),
)


@click.command("capabilities", epilog=_EPILOG, short_help="What may be done now, and why not.")
@click.argument("name", metavar="VM")
@engine_options
def capabilities(name: str, **params: Any) -> None:
    """Show what may be done with the machine VM now; what may not, with the reason and what would help."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        found = client.do(guests.capabilities(client.find(VMS, name)["id"]))
    print_items(params, "guest.capabilities", found["items"], _COLUMNS)
