"""Where the service of a host of the inventory is, and with which identity the engine comes to it."""

from __future__ import annotations

import os
from typing import Final

from guestwright.engine.inventory.model import Host
from guestwright.host.client.address import Address, find_address

UNIX: Final = "unix:"
DEFAULT: Final = "default"


def address_of(host: Host, identities: str) -> Address:
    """The address of a host's service.

    Args:
        host: whose `address` is "unix:/path", "HOST", "HOST:PORT" or "[IPV6]:PORT".
        identities: directory of identities, each a directory with `authority.pem` and `client.pem` as
            `guestwright host enrol client --out` makes it: one named by the id of a host, or "default".

    Raises:
        BadAddress: this is no address.
    """
    if host.address.startswith(UNIX):
        return find_address(host.address.removeprefix(UNIX), None, None)
    own = os.path.join(identities, host.id)
    return find_address(None, host.address, own if os.path.isdir(own) else os.path.join(identities, DEFAULT))
