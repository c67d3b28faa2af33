"""The event loop of a xenstore server; to be run by a process of its own or inside somebody else's.

Theory of operation: one thread, one epoll object, no callbacks into frameworks. `run` repeats `run_once`
until `stop`; an owner with a loop of its own polls `fileno` and calls `run_once(0)`. All methods belong to
the thread that runs the loop, apart from `call`, `stop` and `wake`, which any thread and any signal handler
may use.

A peer is a `Link`. A connection to a listening socket is a privileged client, or the domain that the socket
was opened for; a channel handed in with `add` likewise. What such a connection may do follows from its
domain alone, never from what it says.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT, epoll
from typing import Final

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import DOMID_FIRST_RESERVED
from guestwright.xenstore.server.channel import RingChannel
from guestwright.xenstore.server.doors import Doors
from guestwright.xenstore.server.errors import UnknownDomain
from guestwright.xenstore.server.link import Link
from guestwright.xenstore.server.listener import Listener
from guestwright.xenstore.server.settings import Settings
from guestwright.xenstore.server.traffic import SWEEP, Traffic
from guestwright.xenstore.server.watchful_host import WatchfulHost

_OUT: Final = int(EPOLLOUT)
_EVENTS: Final = 64  # per turn; the others stay ready

BACKLOG_MAX: Final = 16 << 20


class Server:
    """Serves a store.

    Args:
        store: the store, for example a restored one; by default an empty one with `BACKLOG_MAX` as its
            `Options.backlog_max`.
        settings: limits.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        store: Store | None = None,
        settings: Settings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store or Store(None, Options(backlog_max=BACKLOG_MAX))
        self._core = self.store.core
        self._runnable = self._core.runnable
        self.settings = settings or Settings()
        self._epoll = epoll()
        self._poll = self._epoll.poll
        self.traffic = Traffic(self.store, self._epoll, self.settings, clock)
        self._links = self.traffic.links
        self._others: dict[int, Callable[[], object]] = {}
        self._doors = Doors(self._watch, self._epoll.modify, self._welcome)

        self._calls: deque[Callable[[], object]] = deque()
        self._stopping = False
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._watch(self._wakeup, self._run_calls)
        self._core.host = WatchfulHost(self._core.host, self.traffic)

    def fileno(self) -> int:
        """Descriptor that is readable when `run_once` has something to do, timeouts apart."""
        return self._epoll.fileno()

    def listen(self, path: str, *, domid: int | None = None, mode: int = 0o600) -> Listener:
        """Serve all that connect to a unix socket.

        Args:
            path: where to make it.
            domid: the domain that connects there, such as QEMU's end of a virtio-serial port; its newest
                connection replaces the one before. None: privileged clients.
            mode: permission bits; whoever may write to the file may connect.

        Raises:
            AlreadyServed: somebody listens there.
            BadSocket: it cannot be made.
        """
        return self._doors.open(path, mode=mode, domid=domid)

    def add(self, sock: socket.socket, *, domid: int | None = None, fresh: bool = True) -> Link:
        """Serve a connected stream socket; it is the server's from now on.

        Args:
            sock: any stream socket; made non-blocking.
            domid: the domain at its other end, taken in if need be; None for a privileged client.
            fresh: whether a stream begins. If not, it goes on where the domain's former channel ended:
                its watches are there and half-received messages are completed.

        Raises:
            UnknownDomain: there cannot be such a guest.
        """
        sock.setblocking(False)
        connection = self.store.connect() if domid is None else self._guest(domid, fresh=fresh)
        return self.traffic.add(Link(sock, connection, sock.fileno()))

    def add_ring(
        self,
        domid: int,
        page: bytearray | memoryview,
        notify: Callable[[], object],
        *,
        signal: int = -1,
        fresh: bool = False,
    ) -> Link:
        """Serve a domain through a shared page.

        Args:
            domid: the domain, taken in if need be.
            page: 4096 writable bytes; see `core.ring.Ring`.
            notify: tells the domain that indices have moved.
            signal: descriptor that becomes readable when the domain says so; it stays the caller's. Without
                it (-1) the caller reports with `kick`.
            fresh: whether to begin anew; if not, what is in the page is answered.

        Raises:
            UnknownDomain: there cannot be such a guest.
        """
        connection = self._guest(domid, fresh=fresh)
        channel = RingChannel(page, notify, features=self._core.features)
        link = self.traffic.add(Link(channel, connection, -1))
        if fresh:
            channel.restart()
        if signal >= 0:
            os.set_blocking(signal, False)
            link.owner = signal
            self._watch(signal, lambda: self._signalled(link, signal))
        return link

    def pair(self) -> socket.socket:
        """A privileged client's end of a new connection, for use inside this process by other threads."""
        ours, theirs = socket.socketpair()
        self.add(ours)
        return theirs

    def kick(self, link: Link) -> None:
        """A domain says that its page has changed."""
        if not link.closed:
            self.traffic.kicked[link] = None

    def remove(self, link: Link) -> None:
        """End a link; a domain stays introduced."""
        self.traffic.close(link)

    def run_once(self, timeout: float | None = None) -> None:
        """Wait for something to do, and do one turn of it.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.
        """
        links = self._links
        traffic = self.traffic
        if self._core.ready:
            traffic.flush()
        if self._runnable or traffic.kicked or traffic.blocked or traffic.throttled or self._doors.paused:
            timeout = self._patience(timeout)
        for fd, events in self._poll(timeout, _EVENTS):
            link = links.get(fd)
            if link is None:
                other = self._others.get(fd)
                if other is not None:
                    other()
                continue
            try:
                if events & _OUT:
                    traffic.writable(link)
                if events != _OUT and not link.closed:
                    traffic.read(link)
            except Exception as error:  # noqa: BLE001  # the boundary between peers
                traffic.fault(link, error)
        if self._runnable or traffic.kicked or traffic.throttled:
            traffic.turn()
        if (traffic.blocked or self._doors.paused) and traffic.sweep():
            self._doors.resume()

    def run(self) -> None:
        """Serve until `stop`."""
        while not self._stopping:
            self.run_once()

    def stop(self) -> None:
        """Have `run` return after its present turn; for any thread and for signal handlers."""
        self._stopping = True
        self.wake()

    def wake(self) -> None:
        """Have `run_once` return soon; for any thread."""
        if self._wakeup >= 0:
            os.eventfd_write(self._wakeup, 1)

    def call(self, work: Callable[[], object]) -> None:
        """Run something in the loop's thread; for any thread. What it raises ends the loop."""
        self._calls.append(work)
        self.wake()

    def close(self) -> None:
        """Let go of all sockets and descriptors.

        What has not gone out to guests goes back into the store, to be saved with it. The store is not to be
        used after that except for saving.
        """
        self.traffic.flush()
        self._doors.close()
        self._others.clear()
        self.traffic.abandon()
        self._epoll.close()
        wakeup, self._wakeup = self._wakeup, -1
        os.close(wakeup)

    def _guest(self, domid: int, *, fresh: bool) -> Connection:
        connection = self.store.guest(domid) if 0 <= domid < DOMID_FIRST_RESERVED else None
        if connection is not None and connection.label is not None:
            self.traffic.close(connection.label)
        elif connection is None or fresh:
            connection = self.store.introduce(domid) if 0 < domid < DOMID_FIRST_RESERVED else None
        if connection is None:
            raise UnknownDomain(domid=domid)
        return connection

    def _watch(self, fd: int, work: Callable[[], object]) -> None:
        self._others[fd] = work
        self._epoll.register(fd, EPOLLIN)

    def _patience(self, timeout: float | None) -> float | None:
        """How long to wait for events."""
        traffic = self.traffic
        if self._core.runnable or traffic.kicked or self._core.ready:
            return 0
        if traffic.blocked or self._doors.paused:
            timeout = SWEEP if timeout is None else min(timeout, SWEEP)
        if traffic.throttled:
            soonest = traffic.throttle.patience()
            timeout = soonest if timeout is None else min(timeout, soonest)
        return timeout

    def _welcome(self, sock: socket.socket, domid: int | None) -> None:
        """Somebody has connected to a listening socket."""
        if len(self._links) >= self.settings.connections_max:
            sock.close()
            return
        try:
            self.add(sock, domid=domid)
        except UnknownDomain:
            sock.close()  # the domain has gone since

    def _signalled(self, link: Link, signal: int) -> None:
        try:
            os.read(signal, 4096)
        except BlockingIOError:
            return
        if link.closed:
            self._others.pop(signal, None)
            self._epoll.unregister(signal)
        else:
            self.kick(link)

    def _run_calls(self) -> None:
        os.eventfd_read(self._wakeup)
        while self._calls:
            self._calls.popleft()()
