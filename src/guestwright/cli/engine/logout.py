"""`guestwright logout`: end the token, and forget it."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, engine_options, login_of
from guestwright.cli.engine.shown import print_done
from guestwright.cli.output import warn

_EPILOG: Final = f"""\b
Examples:
  guestwright logout
  guestwright logout --server https://engine.lan:8420 --keep-token

{EXITS}"""


@click.command("logout", epilog=_EPILOG, short_help="Log out, and forget the token.")
@click.option("--keep-token", is_flag=True, help="Forget it here only; it stays good elsewhere.")
@engine_options
def logout(*, keep_token: bool, **params: Any) -> None:
    """End the token that is kept for the engine, and forget it."""
    from guestwright.client.calls import accounts
    from guestwright.client.client import Client
    from guestwright.client.errors import RemoteError
    from guestwright.client.logins import Logins

    login = login_of(params["server"])
    if not keep_token:
        try:
            with Client(login.server, login.token, others=login.others) as client:
                client.do(accounts.logout())
        except RemoteError as error:  # forgotten it is, whatever the engine says
            warn(f"guestwright: the token may still be good: {error.message}")
    Logins().forget(login.server)
    shown = {"server": str(login.server), "name": login.name}
    print_done(params, "logout", shown, f"{login.name or 'you'}: logged out at {login.server}")
