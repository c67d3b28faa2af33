"""`guestwright token list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import of, print_items

_EPILOG: Final = f"""\b
Examples:
  guestwright token list
  guestwright token list --user robot --json

{EXITS}"""
_COLUMNS: Final = (
    ("NAME", of("name")),
    ("ROLE", of("role")),
    ("PAYLOADS", of("payload_contents")),
    ("EXEC", of("guest_exec")),
    ("EXPIRES", of("expires")),
    ("USED", of("used")),
    ("ID", of("id")),
)


@click.command("list", epilog=_EPILOG, short_help="Your tokens.")
@click.option("--user", metavar="NAME", help="Whose.  [default: yours]")
@engine_options
def list_(user: str | None, **params: Any) -> None:
    """List tokens: yours, or those of another user."""
    from guestwright.client.kinds import TOKENS, USERS

    with connect(params) as client:
        query = {"user": client.find(USERS, user)["id"]} if user else {}
        found = list(client.all(TOKENS.all().with_query(**query)))
    print_items(params, "tokens", found, _COLUMNS)
