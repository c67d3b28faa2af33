"""`guestwright guest history`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import limit_option
from guestwright.cli.engine.options import EXITS, connect
from guestwright.cli.engine.shown import of, print_items

_EPILOG: Final = f"""\b
Examples:
  guestwright guest history web-1 host
  guestwright guest history web-1 nics --limit 5 --json

{EXITS}"""
_COLUMNS: Final = (("AT", of("at")), ("SOURCE", of("source")), ("VALUE", of("value")))


@click.command("history", epilog=_EPILOG, short_help="Former values of a fact.")
@click.argument("name", metavar="VM")
@click.argument("fact")
@limit_option
def history(name: str, fact: str, **params: Any) -> None:
    """Show the values that the FACT of the guest in the machine VM had, newest first."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    most = params["limit"] or None
    with connect(params) as client:
        call = guests.history(client.find(VMS, name)["id"], fact)
        found = list(client.all(call, most))
    print_items(params, "guest.history", found, _COLUMNS)
