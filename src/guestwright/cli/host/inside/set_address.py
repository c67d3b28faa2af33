"""`guestwright host set address`: set the address of a guest's interface."""

from __future__ import annotations

from typing import Any

import click

from guestwright.base.errors import UsageError
from guestwright.cli.host.inside.answered import answered
from guestwright.cli.host.options import EXITS, connect, service_options

_EPILOG = f"""\b
Examples:
  guestwright host set address web1 192.0.2.7/24 --gateway 192.0.2.1
  guestwright host set address web1 2001:db8::7/64 --mac 52:54:00:00:00:02
  guestwright host set address web1 dynamic --json

\b
`dynamic` takes what DHCP or the router says, `none` takes the addresses away; for
IPv6 with --ipv6. Without --mac it is the guest's only network card.

{EXITS}"""
_WORDS = ("dynamic", "none")


@click.command("address", epilog=_EPILOG, short_help="Set the address of a guest's interface.")
@click.argument("name")
@click.argument("address")
@click.option("--gateway", default="", metavar="IP", help="Where everything else is reached.")
@click.option("--mac", default="", metavar="MAC", help="Of the card.")
@click.option("--ipv6", is_flag=True, help="`dynamic` and `none` are about IPv6.")
@service_options
def set_address(name: str, address: str, *, gateway: str, mac: str, ipv6: bool, **params: Any) -> None:
    """Give an interface of the guest in the domain NAME the ADDRESS, with its prefix (192.0.2.7/24)."""
    from guestwright.host.client import inside

    with connect(params) as client:
        domain = client.find(name)["domain"]
        device, mac = _card(domain, mac.lower())
        wish = {
            "device": device,
            "mac": mac,
            "family": 6 if ipv6 or ":" in address else 4,
            "address": "" if address in _WORDS else address,
            "gateway": gateway,
            "dynamic": address == "dynamic",
        }
        text = inside.set_address(client, domain["uuid"], wish)
    answered(params, "address", text, f"{mac} of {name} has {address}")


def _card(domain: dict[str, Any], mac: str) -> tuple[int, str]:
    """Number and address of a card of a domain.

    Raises:
        UsageError: there is none, or which one is not clear.
    """
    cards = [str(one["mac"]) for one in domain["nics"]]
    if mac in cards:
        return cards.index(mac), mac
    if mac or len(cards) != 1:
        known = ", ".join(cards) or "none"
        raise UsageError(problem=f"--mac: which card of {domain['name']} is not clear; it has {known}")
    return 0, cards[0]
