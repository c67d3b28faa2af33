"""`guestwright user password`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.secret import Secret
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.passwords import asked_password, password_options, read_secret
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright user password ann
  guestwright user password ann --password-file new --old-file old

{EXITS}"""


@click.command("password", epilog=_EPILOG, short_help="Give a user another password.")
@click.argument("name")
@click.option("--old-file", metavar="FILE", help="The present one; needed for your own, and asked for then.")
@password_options
@engine_options
def password(name: str, *, old_file: str | None, **params: Any) -> None:
    """Give the user NAME, or yourself, another password; all their tokens end."""
    from guestwright.client.calls import accounts
    from guestwright.client.kinds import USERS

    with connect(params) as client:
        me = client.do(accounts.whoami())
        mine = name in (me.get("name"), me.get("user"))
        user = {"id": me.get("user"), "name": name} if mine else client.find(USERS, name)
        old: Secret | None = read_secret(old_file) if old_file else None
        if mine and old is None:
            old = asked_password({"password_file": None, "password_fd": None}, "Present password")
        new = asked_password(params, f"New password of {name}", twice=True)
        client.do(accounts.set_password(str(user["id"]), new, old))
    more = "; log in again" if mine else ""
    print_done(params, "user", user, f"{name} has another password{more}")
