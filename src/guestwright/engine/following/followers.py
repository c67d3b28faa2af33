"""A follower for each host of the inventory; hosts come and go while it runs.

Of several engines on one database one follows all hosts; the others stand by.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.engine.following.across import AcrossHosts
from guestwright.engine.following.follower import Follower, Pace
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.gathering import Gathering
from guestwright.engine.inventory.model import Host
from guestwright.engine.inventory.query import Query
from guestwright.engine.inventory.states import HostState
from guestwright.host.client.address import Address

_LOG: Final = logging.getLogger(__name__)
_LOOK: Final = 1.0  # seconds between two looks at the list of hosts
_COMPARE: Final = 5.0  # seconds between two comparisons of the machines of all hosts
_END: Final = 15.0  # seconds for a connection that is being made; all else ends at once


class Followers:
    """Follows all hosts but those in maintenance.

    Args:
        database: the inventory.
        address: where the service of a host is; raises `BadAddress`.
        clock: seconds since 1970.
        pace: how each follower waits.
        leads: whether this engine follows hosts, of several.
    """

    def __init__(
        self,
        database: Database,
        address: Callable[[Host], Address],
        *,
        clock: Callable[[], float] = time.time,
        pace: Pace | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._leads = leads
        self._address = address
        self._clock = clock
        self._pace = pace
        self._gathering: Gathering | None = None
        self._followers: dict[str, Follower] = {}
        self._across = AcrossHosts(database)
        self._compared = -_COMPARE
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follows-hosts", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._gathering = Gathering(self._database)
        self._thread.start()

    def stop(self) -> None:
        """End all followers and store what has gathered. May be called twice."""
        self._stopping.set()
        if self._thread.ident is None or self._gathering is None:
            return
        self._thread.join()
        with self._lock:
            followers, self._followers = list(self._followers.values()), {}
        for one in followers:
            one.stop()
        end = time.monotonic() + _END
        for one in followers:
            one.join(max(0.1, end - time.monotonic()))
        lost = self._gathering.close()
        if lost:
            _LOG.warning("%d facts were not stored; hosts will tell them again", lost)

    def figures(self) -> dict[str, dict[str, int]]:
        """What was done and refused, by id of the host."""
        with self._lock:
            return {id_: one.tally.figures() for id_, one in self._followers.items()}

    def flush(self, seconds: float) -> bool:
        """Wait until facts that were heard are stored; whether they were in time."""
        return self._gathering is not None and self._gathering.flush(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
                self._compare()
            except GuestwrightError as error:
                _LOG.warning("hosts cannot be looked after: %s", error.message)
            self._stopping.wait(_LOOK)

    def _look(self) -> None:
        listed = self._hosts() if self._leads() else []
        hosts = {one.id: one for one in listed if one.state is not HostState.MAINTENANCE}
        with self._lock:
            for id_, follower in list(self._followers.items()):
                now = hosts.get(id_)
                if now is None or (now.address, now.name) != (follower.host.address, follower.host.name):
                    follower.stop()
                    del self._followers[id_]
            new = [one for id_, one in hosts.items() if id_ not in self._followers]
            for host in new:
                self._followers[host.id] = self._begin(host)

    def _compare(self) -> None:
        if self._leads() and time.monotonic() - self._compared >= _COMPARE:
            self._compared = time.monotonic()
            self._across.look()

    def _begin(self, host: Host) -> Follower:
        assert self._gathering is not None
        made = Follower(self._database, self._gathering, host, self._address, self._clock, self._pace)
        made.start()
        return made

    def _hosts(self) -> list[Host]:
        found: list[Host] = []
        cursor = ""
        with self._database.read() as tx:
            while True:
                page = tx.hosts.page(Query(limit=1000, cursor=cursor))
                found += page.items
                cursor = page.cursor
                if not cursor:
                    return found
