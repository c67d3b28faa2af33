"""`guestwright vm memory`: how much memory a guest is asked to have."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done
from guestwright.cli.output import human

_EPILOG: Final = f"""\b
Examples:
  guestwright vm memory web-1 1536
  guestwright vm memory web-1 2048 --json

\b
The guest's balloon driver follows, or does not; `guest facts VM` tells.

{EXITS}"""


@click.command("memory", epilog=_EPILOG, short_help="Ask a guest to have so much memory.")
@click.argument("name", metavar="VM")
@click.argument("mib", type=click.IntRange(1, 1 << 30))
@engine_options
def memory(name: str, mib: int, **params: Any) -> None:
    """Ask the guest in the machine VM to have MIB of memory from now on, at most its maximum."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import VMS

    with connect(params) as client:
        found = client.do(vms.memory(client.find(VMS, name)["id"], mib << 20))
    line = f"{name} is asked for {human(mib << 20)}; it has {human(int(found['memory_actual']))}"
    print_done(params, "memory", found, line)
