"""`guestwright user change`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_one

_EPILOG: Final = f"""\b
Examples:
  guestwright user change ann --role admin
  guestwright user change robot --no-guest-exec --disabled

{EXITS}"""
_FIELDS: Final = ("role", "full_name", "payload_contents", "guest_exec", "enabled")


@click.command("change", epilog=_EPILOG, short_help="Change what a user may do.")
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator", "admin"]), help="What they may do.")
@click.option("--full-name", metavar="TEXT", help="For people.")
@click.option(
    "--payload-contents/--no-payload-contents", default=None, help="Whether they may read payloads."
)
@click.option("--guest-exec/--no-guest-exec", default=None, help="Whether they may run programs in guests.")
@click.option("--enabled/--disabled", default=None, help="Whether they may log in.")
@engine_options
def change(name: str, **params: Any) -> None:
    """Change what the user NAME may do; what is not named stays."""
    from guestwright.client.kinds import USERS

    body = {one: params[one] for one in _FIELDS if params[one] is not None}
    if not body:
        raise UsageError(problem="say what to change")
    with connect(params) as client:
        found = client.find(USERS, name)
        changed = client.do(USERS.change(found["id"], body, etag=str(found.get("version", ""))))
    print_one(params, "user", changed)
