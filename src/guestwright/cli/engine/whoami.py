"""`guestwright whoami`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_one

_EPILOG: Final = f"""\b
Examples:
  guestwright whoami
  guestwright whoami --json | jq -r '.whoami.rights[]'

{EXITS}"""


@click.command("whoami", epilog=_EPILOG, short_help="Who you are to the engine.")
@engine_options
def whoami(**params: Any) -> None:
    """Show who you are to the engine, and what you may do."""
    from guestwright.client.calls import accounts

    with connect(params) as client:
        me = client.do(accounts.whoami())
        engine = str(client.settings.server)
    print_one(params, "whoami", {"server": engine, **me})
