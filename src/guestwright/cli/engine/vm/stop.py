"""`guestwright vm stop`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_LOOK: Final = 0.5  # seconds between two looks
_EPILOG: Final = f"""\b
Examples:
  guestwright vm stop web-1
  guestwright vm stop web-1 --force

{EXITS}"""


@click.command("stop", epilog=_EPILOG, short_help="Shut a machine down.")
@click.argument("name", metavar="VM")
@click.option("--force", is_flag=True, help="Take its power away; what it has not written is lost.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Then it is an error; the guest may still shut down.",
)
@engine_options
def stop(name: str, *, force: bool, timeout: float, **params: Any) -> None:
    """Have the guest in the machine VM shut down, and wait for that."""
    import time

    from guestwright.client.calls import vms
    from guestwright.client.errors import WaitedTooLong
    from guestwright.client.kinds import VMS

    end = time.monotonic() + timeout
    with connect(params) as client:
        vm = client.find(VMS, name)["id"]
        found = client.do(vms.power(vm, "kill" if force else "shutdown"))
        while found.get("power") != "off":
            if time.monotonic() >= end:
                raise WaitedTooLong(what=f"the shutdown of {name}", seconds=f"{timeout:g}")
            time.sleep(_LOOK)
            found = client.do(VMS.show(vm))
    print_done(params, "vm", found, f"{name} is {found.get('power')}")
