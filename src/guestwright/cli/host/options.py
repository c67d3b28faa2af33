"""What all commands that talk to a service share: where it is, and JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from guestwright.host.client.address import Address
    from guestwright.host.client.client import HostClient

Command = TypeVar("Command", bound=Callable[..., Any])

EXITS: Final = """\b
Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 4 not supported there.
The service is looked for at --socket or --tls, else at $GUESTWRIGHT_HOST (HOST:PORT,
TLS) or $GUESTWRIGHT_HOST_SOCKET, else at /run/guestwright/api.sock, else where
`guestwright up` has its own host service: ~/.local/share/guestwright/engine/api.sock,
/var/lib/guestwright/engine/api.sock."""

_JSON: Final = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
_PLACE: Final = (
    click.option("--socket", metavar="PATH", help="Unix socket of the service."),
    click.option("--tls", metavar="HOST[:PORT]", help="Host whose service to ask, over the network."),
    click.option(
        "--identity",
        metavar="DIR",
        help="Directory made by `host enrol client`.  [default: ~/.config/guestwright/identity]",
    ),
)


def service_options(command: Command) -> Command:
    """Add `--socket`, `--tls`, `--identity` and `--json`."""
    return place_options(_JSON(command))


def place_options(command: Command) -> Command:
    """Add `--socket`, `--tls` and `--identity` only."""
    for one in reversed(_PLACE):
        command = one(command)
    return command


def address_of(params: dict[str, Any]) -> Address:
    """Where the options say that the service is."""
    from guestwright.host.client.address import find_address

    return find_address(params["socket"], params["tls"], params["identity"])


def connect(params: dict[str, Any], seconds: float | None = None) -> HostClient:
    """The client that the options ask for.

    Args:
        params: of `service_options`.
        seconds: to wait for an answer; as long as most operations take without it.
    """
    from guestwright.host.client.asking import SECONDS
    from guestwright.host.client.client import HostClient

    return HostClient(address_of(params), seconds or SECONDS)
