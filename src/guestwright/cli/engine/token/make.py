"""`guestwright token make`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright token make backup --days 30 --role viewer
  guestwright token make ci --days 7 --guest-exec --json

{EXITS}"""
_DAY: Final = 86400.0


@click.command("make", epilog=_EPILOG, short_help="Make a token; its text is shown once.")
@click.argument("name")
@click.option(
    "--days",
    type=click.FloatRange(min=0, max=366, min_open=True),
    required=True,
    metavar="N",
    help="How long it lives.",
)
@click.option(
    "--role", type=click.Choice(["viewer", "operator", "admin"]), help="At most yours.  [default: yours]"
)
@click.option("--payload-contents", is_flag=True, help="It may read what is in payloads.")
@click.option("--guest-exec", is_flag=True, help="It may run programs in guests.")
@engine_options
def make(name: str, *, days: float, role: str | None, **params: Any) -> None:
    """Make a token of yours, NAME, and print its text: it cannot be had again."""
    from guestwright.client.calls import accounts

    more: dict[str, Any] = {one: True for one in ("payload_contents", "guest_exec") if params[one]}
    if role:
        more["role"] = role
    with connect(params) as client:
        found = client.do(accounts.make_token(name, days * _DAY, **more))
    print_done(params, "token", found, str(found["token"]))
