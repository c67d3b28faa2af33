"""`guestwright host remove`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, confirmed, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright host remove node1
  guestwright host remove node1 --yes

{EXITS}"""


@click.command("remove", epilog=_EPILOG, short_help="Have the engine forget a host.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@engine_options
def remove(name: str, *, yes: bool, **params: Any) -> None:
    """Have the engine forget the host NAME; nothing is changed there."""
    from guestwright.client.kinds import HOSTS

    with connect(params) as client:
        found = client.find(HOSTS, name)
        confirmed(f"Forget the host {name}?", yes=yes)
        client.do(HOSTS.remove(found["id"]))
    print_done(params, "host", found, f"{name} is forgotten")
