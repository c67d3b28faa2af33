"""Identities that machines of several hosts claim: looked for by the engine that follows hosts."""

from __future__ import annotations

from typing import Final

from guestwright.engine.following.alarms import Alarms
from guestwright.engine.following.said import Duplicate
from guestwright.engine.inventory.claims import across_hosts
from guestwright.engine.inventory.database import Database

_ROWS_MAX: Final = 100_000


class AcrossHosts:
    """Compares the machines of all hosts.

    Args:
        database: the inventory.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alarms = Alarms(database, None)

    def look(self) -> None:
        """Record what is claimed on several hosts now, and what no more.

        Raises:
            DatabaseBusy, DatabaseUnusable: the inventory does not answer.
        """
        with self._database.read() as tx:
            found = across_hosts(tx.connection, _ROWS_MAX)
        self._alarms.all([Duplicate(kind=one.kind, value=one.value, domains=one.machines) for one in found])
