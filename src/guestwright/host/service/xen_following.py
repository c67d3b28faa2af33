"""Domains that come and go, as xenstored tells it: the hypervisor's events may come late, or not at all.

Theory of operation: `@introduceDomain` and `@releaseDomain` name nobody. After either all domains are listed
again, soon, and once for many events. A guest that the store does not talk to any more has no line to it, so
its agent is lost even while the hypervisor's daemon is away and its domain seems to run.

Source: Xen's docs/misc/xenstore.txt, "WATCH", and xenstore-ring.txt for what a released domain is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.host.facts.book import Life
from guestwright.xenstore.client import domains
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import Closed, TimedOut
from guestwright.xenstore.client.watch import Watch

SETTLE: Final = 0.3  # seconds in which more events are waited for
_WATCHED: Final = ("@introduceDomain", "@releaseDomain")


class XenFollowing:
    """Follows the domains of a xenstored.

    Args:
        client: of the store, with the host's rights.
        lives: those that are known now.
        released: called with a life that the store does not talk to any more, each time it is found so.
        changed: called when domains have come or gone; has them listed.
        failed: called when the thread ends by a fault.
    """

    def __init__(
        self,
        client: Client,
        lives: Callable[[], Iterable[Life]],
        released: Callable[[Life], object],
        changed: Callable[[], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        self._client = client
        self._lives = lives
        self._released = released
        self._changed = changed
        self._failed = failed
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="xen-following", daemon=True)

    def start(self) -> None:
        """Begin.

        Raises:
            XenstoreError: the store does not answer.
        """
        self._watch = self._client.watch(*_WATCHED)
        self._thread.start()

    def close(self) -> None:
        """Follow no longer. May be called before `start`."""
        if self._watch is not None:
            self._watch.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        assert self._watch is not None
        try:
            while True:
                self._watch.get()
                self._drain(self._watch)
                self._look()
        except Closed:
            return
        except BaseException as error:  # noqa: BLE001 - the thread's boundary: the service has to be told
            self._failed(error)

    def _drain(self, watch: Watch) -> None:
        try:
            while True:
                watch.get(SETTLE)
        except TimedOut:
            return

    def _look(self) -> None:
        for life in self._lives():
            try:
                there = self._client.run(domains.is_introduced(life.domid))
            except Closed:
                raise
            except GuestwrightError:
                break  # the connection comes back with an event, and this is done again
            if not there:
                self._released(life)
        self._changed()
