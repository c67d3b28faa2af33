"""`guestwright host show`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_one

_EPILOG: Final = f"""\b
Examples:
  guestwright host show node1

{EXITS}"""


@click.command("show", epilog=_EPILOG, short_help="One host of the engine.")
@click.argument("name")
@engine_options
def show(name: str, **params: Any) -> None:
    """Show the host NAME as the engine knows it."""
    from guestwright.client.kinds import HOSTS

    with connect(params) as client:
        found = client.find(HOSTS, name)
    print_one(params, "host", found)
