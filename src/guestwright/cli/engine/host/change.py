"""`guestwright host change`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_one

_EPILOG: Final = f"""\b
Examples:
  guestwright host change node1 --maintenance
  guestwright host change node1 --address node1.lan:9443 --no-maintenance

{EXITS}"""


@click.command("change", epilog=_EPILOG, short_help="Change a host of the engine.")
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="Another name.")
@click.option("--address", metavar="ADDRESS", help="HOST:PORT of its service, or unix:PATH.")
@click.option("--maintenance/--no-maintenance", default=None, help="Whether the engine leaves it alone.")
@engine_options
def change(name: str, **params: Any) -> None:
    """Change name, address or maintenance of the host NAME."""
    from guestwright.client.kinds import HOSTS

    wanted = {"name": params["new_name"], "address": params["address"], "maintenance": params["maintenance"]}
    body = {field: value for field, value in wanted.items() if value is not None}
    if not body:
        raise UsageError(problem="say what to change")
    with connect(params) as client:
        found = client.find(HOSTS, name)
        changed = client.do(HOSTS.change(found["id"], body, etag=str(found.get("version", ""))))
    print_one(params, "host", changed)
