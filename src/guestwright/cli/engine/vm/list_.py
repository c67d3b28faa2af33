"""`guestwright vm list`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.listing import list_options, print_list
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.shown import of

_EPILOG: Final = f"""\b
Examples:
  guestwright vm list
  guestwright vm list --filter agent=live --filter 'name~web-*' --sort name
  guestwright vm list --filter power=running --json | jq -r '.items[].name'

{EXITS}"""


def _agent(vm: dict[str, Any]) -> str:
    """Of a machine that is off it matters to nobody how its agent ended."""
    return "-" if vm.get("power") == "off" else of("guest.agent")(vm)


_COLUMNS: Final = (
    ("NAME", of("name")),
    ("STATE", of("state")),
    ("POWER", of("power")),
    ("AGENT", _agent),
    ("SYSTEM", of("guest.os")),
    ("ID", of("id")),
    ("ADDRESSES", of("guest.addresses")),
)


@click.command("list", epilog=_EPILOG, short_help="Machines, with what their guests say.")
@list_options
def list_(**params: Any) -> None:
    """List machines, with what their guests say."""
    from guestwright.client.kinds import VMS

    print_list(params, "vms", VMS.all, _COLUMNS)
