"""`guestwright token revoke`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright token revoke backup

{EXITS}"""


@click.command("revoke", epilog=_EPILOG, short_help="End a token.")
@click.argument("name", metavar="NAME")
@engine_options
def revoke(name: str, **params: Any) -> None:
    """End the token NAME of yours; what uses it is refused from now on."""
    from guestwright.client.kinds import TOKENS

    with connect(params) as client:
        found = client.find(TOKENS, name)
        client.do(TOKENS.remove(found["id"]))
    print_done(params, "token", found, f"{name} is ended")
