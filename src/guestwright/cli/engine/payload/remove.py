"""`guestwright payload remove`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, confirmed, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright payload remove web
  guestwright payload remove web --yes
  guestwright payload remove web --version 1

{EXITS}"""


@click.command("remove", epilog=_EPILOG, short_help="Have the engine forget a payload.")
@click.argument("name")
@click.option("--version", "number", type=click.IntRange(1), metavar="N", help="Only this one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@engine_options
def remove(name: str, *, number: int | None, yes: bool, **params: Any) -> None:
    """Remove the payload NAME with all its versions; one that is in use stays."""
    from guestwright.client.calls import payloads
    from guestwright.client.kinds import PAYLOADS

    with connect(params) as client:
        found = client.find(PAYLOADS, name)
        if number is not None:
            confirmed(f"Remove version {number} of the payload {name}?", yes=yes)
            client.do(payloads.forget(found["id"], number))
            print_done(params, "payload", found, f"version {number} of {name} is removed")
            return
        confirmed(f"Remove the payload {name} with its {found.get('current')} versions?", yes=yes)
        client.do(PAYLOADS.remove(found["id"]))
    print_done(params, "payload", found, f"{name} is removed")
