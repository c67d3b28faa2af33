"""Lines from guests to our store: connects to the socket that the hypervisor makes for each agent's port.

Theory of operation: one thread, a heap of what is due. A domain whose port is known is tried at once, and
then ever less often until somebody listens. When a line ends (the emulator has ended, the guest broke the
protocol, the port was unplugged) it is made anew, at once if it had lasted, later if it had not: a guest that
breaks its line without pause costs an attempt now and then. Whether the domain still runs is not asked here;
`drop` says that it does not.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from guestwright.host.service.port import ChannelState

FIRST_PAUSE: Final = 0.05  # seconds
LAST_PAUSE: Final = 5.0
_LASTED: Final = 10.0  # seconds after which a line counts as one that worked
_LOG: Final = logging.getLogger(__name__)


class Lines(Protocol):
    """Where lines are served: `own_store.OwnStore`."""

    def serve(self, domid: int, sock: socket.socket) -> None:
        """Serve a guest at a connected socket."""

    def disconnect(self, domid: int) -> None:
        """End a guest's line."""


class _Line:
    """One guest's.

    Attributes:
        path: of the socket.
        pause: before the next attempt, seconds.
        since: when it was connected; None while it is not.
        reason: of the last failure, as it was reported.
    """

    __slots__ = ("path", "pause", "reason", "since")

    def __init__(self, path: str) -> None:
        self.path = path
        self.pause = FIRST_PAUSE
        self.since: float | None = None
        self.reason: str | None = None


class Channels:
    """All lines.

    Args:
        lines: where they are served.
        told: called with the number of a domain, the state of its line, and why, when that changes; on the
            thread of this object, without any lock.
        failed: called when that thread ends by a fault.
    """

    def __init__(
        self,
        lines: Lines,
        told: Callable[[int, ChannelState, str], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        self._lines = lines
        self._told = told
        self._failed = failed
        self._known: dict[int, _Line] = {}
        self._due: list[tuple[float, int, int]] = []  # time, order, domain
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="channels", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; lines stay."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def open(self, domid: int, path: str, pause: float = 0.0) -> None:
        """Connect a domain, now and whenever its line has ended; what is open already is left alone.

        Args:
            domid: its number.
            path: of the socket of its port.
            pause: seconds before the first attempt.
        """
        with self._changed:
            known = self._known.get(domid)
            if known is None or known.path != path:
                self._known[domid] = _Line(path)
                self._put(domid, pause)

    def drop(self, domid: int) -> None:
        """Connect a domain no more."""
        with self._changed:
            self._known.pop(domid, None)

    def closed(self, domid: int) -> None:
        """A line has ended; from any thread."""
        with self._changed:
            line = self._known.get(domid)
            if line is None or line.since is None:
                return
            lasted = time.monotonic() - line.since >= _LASTED
            line.since = None
            line.reason = None
            if lasted:
                line.pause = FIRST_PAUSE
            self._put(domid, line.pause)
            line.pause = min(LAST_PAUSE, line.pause * 2)

    def _put(self, domid: int, pause: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + pause, next(self._order), domid))
        self._changed.notify()

    def _run(self) -> None:
        try:
            while (found := self._next()) is not None:
                self._attempt(*found)
        except BaseException as error:  # noqa: BLE001 - the thread's boundary: the service has to be told
            self._failed(error)

    def _next(self) -> tuple[int, _Line] | None:
        with self._changed:
            while not self._stopping:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                domid = heapq.heappop(self._due)[2]
                line = self._known.get(domid)
                if line is not None and line.since is None:
                    return domid, line
            return None

    def _attempt(self, domid: int, line: _Line) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        found = sock.connect_ex(line.path) if len(os.fsencode(line.path)) < 108 else errno.ENAMETOOLONG
        with self._changed:
            wanted = self._known.get(domid) is line
            if wanted and not found:
                line.since = time.monotonic()
            elif wanted:
                self._put(domid, line.pause)
                line.pause = min(LAST_PAUSE, line.pause * 2)
        if found or not wanted:
            sock.close()
        else:
            self._lines.serve(domid, sock)
        reason = f"{line.path}: {os.strerror(found)}" if found else ""
        if wanted and reason != line.reason:
            line.reason = reason
            self._told(domid, ChannelState.WAITING if found else ChannelState.CONNECTED, reason)
