"""Syspreps that a host does for the engine, followed to their end, whichever engine has asked for them.

Theory of operation: the host's events tell when one begins and ends; besides, those that have not ended are
looked at whenever volumes are, and when the host is met. One that the host does not know was never begun, if
the engine was killed before it asked; it is given some time, since the question may be on its way.
"""

from __future__ import annotations

from typing import Any, Final

from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory import syspreps
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import SysprepUnknown
from guestwright.engine.inventory.model import Sysprep
from guestwright.engine.inventory.query import Filter, Op
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused

KIND: Final = "guest.sysprep"
_GONE: Final = 404
_YOUNG: Final = 180.0  # seconds; the question is given up after 90
_MOST: Final = 1000


class Syspreps:
    """Records how far those of one host are.

    Args:
        database: the inventory.
        host: id of the host.
        tally: counts what was refused.
        young: seconds for which one that the host does not know may still be on its way.
    """

    def __init__(self, database: Database, host: str, tally: Tally, young: float = _YOUNG) -> None:
        self._database = database
        self._host = host
        self._tally = tally
        self._young = young

    def look(self, client: HostClient) -> None:
        """Look at all that have not ended.

        Raises:
            ClientError: the host does not answer.
            DatabaseBusy, DatabaseUnusable: the inventory does not.
        """
        self._each(client)

    def changed(self, client: HostClient, job: str) -> None:
        """Look at the one that is this job of the host, if there is one; raises as `look`."""
        self._each(client, Filter("job", Op.IS, job[:64]))

    def _each(self, client: HostClient, *more: Filter) -> None:
        running = [Filter("state", Op.IS_NOT, one) for one in sorted(syspreps.ENDED)]
        with self._database.read() as tx:
            mine = Filter("host", Op.IS, self._host)
            rows = tx.syspreps.all(mine, *running, *more, most=_MOST)
        for row in rows:
            self._one(client, row)

    def _one(self, client: HostClient, row: Sysprep) -> None:
        found: dict[str, Any] | None
        try:
            found = client.job(row.job)
        except HostRefused as error:
            if error.status != _GONE:
                self._tally.refused("sysprep", error)
                return
            found = None
        with self._tally.taking("sysprep"), self._database.write() as tx:
            if found is not None:
                syspreps.follow(tx, row.id, found)
            elif tx.now - row.created > self._young:
                unknown = SysprepUnknown(job=row.job)
                syspreps.fail(tx, row.id, unknown.code, unknown.message)
