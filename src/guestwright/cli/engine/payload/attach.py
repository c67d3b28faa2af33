"""`guestwright payload attach`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright payload attach web web-1
  guestwright payload attach web web-1 --run-once --device floppy

{EXITS}"""


@click.command("attach", epilog=_EPILOG, short_help="Give a machine a payload.")
@click.argument("name")
@click.argument("vm", metavar="VM")
@click.option("--run-once", is_flag=True, help="For the next start only.")
@click.option(
    "--device",
    type=click.Choice(["cd", "floppy"]),
    default="cd",
    show_default=True,
    help="As which it is shown.",
)
@click.option(
    "--version", "number", type=click.IntRange(1), metavar="N", help="Always this one.  [default: the newest]"
)
@engine_options
def attach(name: str, vm: str, *, run_once: bool, device: str, number: int | None, **params: Any) -> None:
    """Give the machine VM the payload NAME, from its next start on."""
    from guestwright.client.calls import vms
    from guestwright.client.kinds import PAYLOADS, VMS

    with connect(params) as client:
        payload, machine = client.find(PAYLOADS, name)["id"], client.find(VMS, vm)["id"]
        found = client.do(vms.attach(machine, payload, run_once=run_once, device=device, version=number))
    print_done(params, "payload.use", found, f"{vm} gets {name} at its next start")
