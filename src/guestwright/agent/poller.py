"""Waiting for descriptors: epoll, and poll where there is none (FreeBSD).

Theory of operation: the numbers of the events are the same for both. Only virtio-serial ports of Linux need
`EDGE`, which poll does not have.
"""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Protocol

    class Poller(Protocol):
        """What both have."""

        def register(self, fd: int, events: int, /) -> None:
            """Wait for a descriptor too."""

        def modify(self, fd: int, events: int, /) -> None:
            """Wait for other events of it."""

        def unregister(self, fd: int, /) -> None:
            """Wait for it no more."""

        def poll(self, timeout: float, maxevents: int, /) -> list[tuple[int, int]]:
            """What has happened within so many seconds (negative: as long as it takes)."""

        def close(self) -> None:
            """Let go."""


IN: Final = 1
PRIORITY: Final = 2
OUT: Final = 4
HANG_UP: Final = 16
EDGE: Final = 1 << 31


class Poll:
    """poll(2) with the manners of epoll."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self.register = self._poll.register
        self.modify = self._poll.modify
        self.unregister = self._poll.unregister

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """See `Poller`."""
        return self._poll.poll(None if timeout < 0 else timeout * 1000)[:maxevents]

    def close(self) -> None:
        """There is nothing to let go of."""


class Nothing:
    """Where there is neither: on Windows, whose loop brings what waits for handles."""

    def register(self, fd: int, events: int) -> None:
        """See `Poller`."""

    def modify(self, fd: int, events: int) -> None:
        """See `Poller`."""

    def unregister(self, fd: int) -> None:
        """See `Poller`."""

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """See `Poller`."""
        del timeout, maxevents
        return []

    def close(self) -> None:
        """There is nothing to let go of."""


def poller() -> Poller:
    """What this system has."""
    made = getattr(select, "epoll", Poll if hasattr(select, "poll") else Nothing)
    found: Poller = made()
    return found
