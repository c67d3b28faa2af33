"""Follows one host, in a thread of its own.

Theory of operation: the event stream is opened first, then everything is read, then the events are taken: so
nothing that happens meanwhile is lost. Each event is recorded before the next; the token of the last one is
where the follower goes on after a loss. When the host says that events were missed, or the follower has no
token, everything is read anew. Now and then it is read anew in any case, should anything have gone wrong.

A stream that broke is opened again at once; a host that does not answer then is unreachable, and is asked
with growing pauses. What its machines do becomes unknown only after a while: a service that is started anew
takes seconds, and its domains run on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.engine.following import link
from guestwright.engine.following.happening import Happening
from guestwright.engine.following.reading import Reading
from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.gathering import Gathering
from guestwright.engine.inventory.model import Host
from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient
from guestwright.host.client.events import Events, HostEvent

_LOG: Final = logging.getLogger(__name__)
_ANSWER_SECONDS: Final = 60.0


@record
class Pace:
    """How a follower waits; all in seconds.

    Attributes:
        pauses: before another attempt; the last one for all others.
        unknown: without an answer, after which nobody knows what the host's machines do.
        volumes: after which volumes are read anew.
        whole: after which everything is.
    """

    pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
    unknown: float = 60.0
    volumes: float = 60.0
    whole: float = 1800.0


class Follower:
    """Follows one host.

    Args:
        database: the inventory.
        gathering: stores facts.
        host: as it is recorded.
        address: where its service is.
        clock: seconds since 1970.
        pace: how it waits.

    Attributes:
        tally: what was done and refused.
    """

    def __init__(
        self,
        database: Database,
        gathering: Gathering,
        host: Host,
        address: Callable[[Host], Address],
        clock: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self.host = host
        self.tally = Tally(host.name)
        self._database = database
        self._address = address
        self._pace = pace or Pace()
        self._reading = Reading(database, gathering, host, self.tally, clock)
        self._happening = Happening(self._reading, database, self.tally)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._open: tuple[Events, HostClient] | None = None
        self._token = ""
        self._failures = 0
        self._lost_since: float | None = None
        self._read = 0.0
        self._thread = threading.Thread(target=self._run, name=f"follows-{host.name[:40]}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End at once; what waits for the host is broken off. Does not wait for the end."""
        self._stopping.set()
        with self._lock:
            open_ = self._open
        for one in open_ or ():
            one.stop() if isinstance(one, Events) else one.abort()

    def join(self, seconds: float) -> bool:
        """Wait for the end; whether it came in time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            problem = ""
            try:
                self._session()
            except GuestwrightError as error:
                problem = error.message
            except Exception as error:  # noqa: BLE001 - a host that nobody follows would not be seen to be so
                _LOG.exception("following host %s went wrong", printable(self.host.name))
                problem = f"a mistake of the engine: {type(error).__name__}"
            if self._stopping.is_set():
                return
            self._failed(problem or "the service has ended the stream of events")
            pauses = self._pace.pauses
            self._stopping.wait(pauses[min(self._failures, len(pauses)) - 1])

    def _session(self) -> None:
        """What happens from one connection to its loss."""
        address = self._address(self.host)
        events = Events(address, after=self._token)
        with HostClient(address, _ANSWER_SECONDS) as client:
            with self._lock:
                self._open = events, client
            if self._stopping.is_set():
                return
            met = False
            for event in events.once():
                if self._stopping.is_set():
                    return
                if not met:
                    met = True
                    self._meet(client)
                self._take(client, event)
                self._token = events.token

    def _meet(self, client: HostClient) -> None:
        """The stream is there: read what has to be read, and say that the host is up."""
        about = self._reading.about(client)
        back = self._lost_since is not None
        if not self._token or back:
            self._everything(client)
        link.connected(self._database, self.host.id, about)
        if self._failures or not self._token:
            _LOG.info("host %s is up", printable(self.host.name))
        self._failures, self._lost_since = 0, None

    def _take(self, client: HostClient, event: HostEvent | None) -> None:
        if event is not None and event.kind == "missed":
            self.tally.count("missed")
            self._everything(client)
        elif event is not None:
            self._happening.take(client, event)
            self.tally.count("events")
        now = time.monotonic()
        if now - self._read >= self._pace.whole:
            self._everything(client)
        elif self._happening.volumes_due(now, self._pace.volumes):
            self._happening.read_volumes(client)

    def _everything(self, client: HostClient) -> None:
        self._token = ""  # until it is read
        self._reading.everything(client)
        self._read = time.monotonic()
        self._happening.volumes_read(self._read)

    def _failed(self, problem: str) -> None:
        """Note that there is no answer; the first time it may be a service that is started anew."""
        self._failures += 1
        if self._failures == 1 and self._token:
            return
        now = time.monotonic()
        with suppress(GuestwrightError):  # the inventory is away, too: with the next attempt
            if self._lost_since is None:
                _LOG.warning("host %s is unreachable: %s", printable(self.host.name), printable(problem))
                link.lost(self._database, self.host.id, problem)
                self._lost_since = now
            elif now - self._lost_since >= self._pace.unknown:
                self._reading.domains.unknown(f"host {self.host.name} does not answer")
                self._lost_since = now + 365 * 86400.0  # once is enough
