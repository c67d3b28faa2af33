"""Guests' messages, one at a time while the write-rate limit applies."""

from __future__ import annotations

from collections.abc import Callable

from guestwright.xenstore.core.store import Store
from guestwright.xenstore.server.link import Link
from guestwright.xenstore.server.settings import Settings
from guestwright.xenstore.server.write_rate import WriteRate


class Throttle:
    """Hands guests' messages to the store, and holds guests that change too much.

    Args:
        store: what the guests talk to.
        settings: limits.
        clock: monotonic time in seconds.

    Attributes:
        held: links that have to wait until their `Link.resume_at`.
    """

    __slots__ = ("_clock", "_core", "_rate", "_settings", "_store", "held")

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], float]) -> None:
        self._store = store
        self._core = store.core
        self._settings = settings
        self._clock = clock
        self._rate = WriteRate(settings, clock())
        self.held: dict[Link, None] = {}

    def receive(self, link: Link, data: bytes) -> bool:
        """Handle what a guest has sent, within its turn; see `Store.receive`."""
        connection = link.connection
        core = self._core
        settings = self._settings
        budget = settings.budget
        if core.transactions == len(connection.transactions) and not settings.write_always:
            return self._store.receive(connection, data, budget)
        tree = core.tree
        wait = 0.0
        if data and settings.write_bytes:
            wait = self._rate.charge(connection.domain, self._clock(), len(data) / settings.write_bytes)
        for _ in range(budget):
            before = tree.generation
            if not self._store.receive(connection, data, 1):
                return False
            data = b""
            if tree.generation != before:
                wait = max(wait, self._rate.charge(connection.domain, self._clock()))
            if wait > 0:
                core.runnable.pop(connection, None)
                link.resume_at = self._clock() + wait
                self.held[link] = None
                return True
            if connection not in core.runnable:
                return True
        return True

    def release(self) -> None:
        """Let those go on whose time has come."""
        now = self._clock()
        for link in [one for one in self.held if one.resume_at <= now]:
            self.let_go(link)
            self._core.runnable[link.connection] = None

    def let_go(self, link: Link) -> None:
        """Forget that a link was held."""
        self.held.pop(link, None)
        link.resume_at = 0.0

    def patience(self) -> float:
        """Seconds until the first of them may go on."""
        return max(min(one.resume_at for one in self.held) - self._clock(), 0)
