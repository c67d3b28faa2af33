"""`guestwright user remove`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, confirmed, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright user remove ann
  guestwright user remove ann --yes

{EXITS}"""


@click.command("remove", epilog=_EPILOG, short_help="Remove a user.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@engine_options
def remove(name: str, *, yes: bool, **params: Any) -> None:
    """Remove the user NAME and all their tokens."""
    from guestwright.client.kinds import USERS

    with connect(params) as client:
        found = client.find(USERS, name)
        confirmed(f"Remove the user {name}?", yes=yes)
        client.do(USERS.remove(found["id"]))
    print_done(params, "user", found, f"{name} is removed")
