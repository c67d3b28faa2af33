"""`guestwright user add`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.passwords import asked_password, password_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright user add ann --role operator
  guestwright user add robot --role viewer --password-file pw --guest-exec

{EXITS}"""


@click.command("add", epilog=_EPILOG, short_help="Make a user.")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "operator", "admin"]),
    default="viewer",
    show_default=True,
    help="What they may do.",
)
@click.option("--full-name", default="", metavar="TEXT", help="For people.")
@click.option("--payload-contents", is_flag=True, help="They may read what is in payloads.")
@click.option("--guest-exec", is_flag=True, help="They may run programs in guests.")
@password_options
@engine_options
def add(name: str, **params: Any) -> None:
    """Make the user NAME; the password is asked for."""
    from guestwright.client.calls import accounts

    secret = asked_password(params, f"Password of {name}", twice=True)
    more = {one: params[one] for one in ("full_name", "payload_contents", "guest_exec") if params[one]}
    with connect(params) as client:
        found = client.do(accounts.add_user(name, secret, params["role"], **more))
    print_done(params, "user", found, f"{name} may log in")
