"""`guestwright host power`: start, stop, pause and so on."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.output import print_json, say

# The names of `host.service.port.PowerAction`, which a test compares: that module takes long to import.
ACTIONS: Final = ("start", "shutdown", "reboot", "kill", "pause", "unpause", "suspend", "resume")

_EPILOG = f"""\b
Examples:
  guestwright host power web1 start
  guestwright host power web1 shutdown
  guestwright host power web1 kill --json

\b
shutdown and reboot ask the guest, which may take its time; `host events` tells when
it is done. What is not possible now is refused with the reason and a remedy.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Start, shut down, pause a domain, and so on.")
@click.argument("name")
@click.argument("action", type=click.Choice(ACTIONS))
@service_options
def power(name: str, action: str, **params: Any) -> None:
    """Do ACTION with the domain NAME (or uuid); waits for the hypervisor, not for the guest."""
    with connect(params) as client:
        after = client.power(client.find(name)["domain"]["uuid"], action)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.domain", "schema": 1, "domain": after})
        return
    say(f"{after['domain']['name']} is {after['power']}")
