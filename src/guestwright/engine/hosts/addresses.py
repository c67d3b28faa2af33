"""Where the services of hosts are, by the ids that the inventory gives them."""

from __future__ import annotations

from guestwright.engine.hosts.address import address_of
from guestwright.engine.inventory.database import Database
from guestwright.host.client.address import Address


class HostAddresses:
    """Looks hosts up; asked anew each time, as an operator may move one. For any thread.

    Args:
        database: the inventory.
        identities: directory of the engine's identities; see `address_of`.
    """

    def __init__(self, database: Database, identities: str) -> None:
        self._database = database
        self._identities = identities

    def __call__(self, host: str) -> Address:
        """The address of a host's service.

        Args:
            host: id.

        Raises:
            NotInInventory: there is no such host.
            BadAddress: what is recorded is no address.
        """
        with self._database.read() as tx:
            found = tx.hosts.get(host)
        return address_of(found, self._identities)
