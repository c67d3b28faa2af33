"""`guestwright vm wait`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_one

_EPILOG: Final = f"""\b
Examples:
  guestwright vm wait web-1
  guestwright vm wait web-1 --until ip --timeout 120

{EXITS}"""
_LOOK: Final = 20.0  # seconds that the engine waits before it says that nothing is new


@click.command("wait", epilog=_EPILOG, short_help="Wait for a guest.")
@click.argument("name", metavar="VM")
@click.option(
    "--until",
    type=click.Choice(["agent", "ip", "customised"]),
    default="agent",
    show_default=True,
    help="The agent is there; it has an address; it has taken all its payloads.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Then it is an error.",
)
@engine_options
def wait(name: str, *, until: str, timeout: float, **params: Any) -> None:
    """Wait until the guest in the machine VM has come so far."""
    import time

    from guestwright.client.calls import vms
    from guestwright.client.errors import WaitedTooLong
    from guestwright.client.kinds import VMS

    end = time.monotonic() + timeout
    with connect(params) as client:
        vm = client.find(VMS, name)["id"]
        while True:
            left = max(0.0, min(_LOOK, end - time.monotonic()))
            found = client.do(vms.wait_for(vm, until, int(left)))
            if found.get("reached") is True:
                break
            if time.monotonic() >= end:
                raise WaitedTooLong(what=f"{until} of {name}", seconds=f"{timeout:g}")
            if left < 1:
                time.sleep(min(0.2, left))
    print_one(params, "guest", found.get("guest") or {})
