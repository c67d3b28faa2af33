"""Bytes between links and the store, in fair portions.

Theory of operation: a turn gives each link that has input one read of bounded size and a bounded number of
messages; a connection that has more waits among the store's `runnable` ones until all others had theirs.
Output is sent at once; what the channel has no room for stays in `Link.rest`, and nothing more is taken from
the connection until that is out (the core meanwhile folds equal events into one).

No peer is waited for. A link is not read while too much waits for it, while its guest has too many requests
outstanding, or while the write-rate limit holds it; each of these ends by an event of the same peer or by
time. What a guest causes for a peer that does not read is taken off the guest's account at once, so that the
laggard costs only its own quota. Who takes nothing for a while is disconnected (sockets) or loses its events
(guests).
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT, epoll
from typing import Final

from guestwright.xenstore.core.ring import RingError
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.server.channel import RingChannel
from guestwright.xenstore.server.link import Link
from guestwright.xenstore.server.settings import Settings
from guestwright.xenstore.server.throttle import Throttle

_IN: Final = int(EPOLLIN)
_OUT: Final = int(EPOLLOUT)
SWEEP: Final = 1.0  # seconds


class Traffic:
    """All links of a server.

    Args:
        store: what the peers talk to; `Connection.label` is taken for the link.
        poll: where descriptors are registered.
        settings: limits.
        clock: monotonic time in seconds.

    Attributes:
        links: by the descriptor that is polled.
        unpolled: links without one.
        blocked: links whose channel is full.
        throttle: the write-rate limit.
        throttled: links that the write-rate limit holds; see `Throttle.held`.
        kicked: links without a descriptor that may have input.
        before_send: called before anything is sent; what it does not finish must not be acknowledged.
        on_fault: told of faults of this program; prints them by default.
        on_closed: called with each link that has ended.
    """

    def __init__(self, store: Store, poll: epoll, settings: Settings, clock: Callable[[], float]) -> None:
        self.store = store
        self._core = store.core
        self._answer = store.answer
        self._read_size = settings.read_size
        self._poll = poll
        self._settings = settings
        self._clock = clock
        self.throttle = Throttle(store, settings, clock)
        self._swept = clock()
        self.links: dict[int, Link] = {}
        self.unpolled: dict[Link, None] = {}
        self.blocked: dict[Link, None] = {}
        self.throttled = self.throttle.held
        self.kicked: dict[Link, None] = {}
        self.before_send: Callable[[], object] | None = None
        self.on_fault: Callable[[Exception], object] = _print_fault
        self.on_closed: Callable[[Link], object] | None = None

    def add(self, link: Link) -> Link:
        """Serve a link; its connection must have none."""
        connection = link.connection
        connection.label = link
        if link.fd >= 0:
            self.links[link.fd] = link
            self._poll.register(link.fd, link.interest)
        else:
            self.unpolled[link] = None
            self.kicked[link] = None
        if connection.output:
            self._core.ready[connection] = None
        if connection.parser.waiting:
            self._core.runnable[connection] = None
        return link

    def read(self, link: Link) -> None:
        """Take what a peer has sent and handle it."""
        connection = link.connection
        runnable = self._core.runnable
        if runnable and connection in runnable:
            return  # it has requests left from the turn before; they come first
        try:
            data = link.recv(self._read_size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._ended(link)
        elif link.rest is not None or (reply := self._answer(connection, data)) is None:
            self._handle(link, data)
        else:
            if reply:
                if self.before_send is not None:
                    self.before_send()
                self._send(link, reply)
            if self._core.ready:
                self.flush()

    def writable(self, link: Link) -> None:
        """A peer may have made room."""
        rest = link.rest
        if rest is None:
            return
        try:
            sent = link.send(rest)
        except BlockingIOError:
            return
        except OSError:
            self._gone_deaf(link)
            return
        link.since = self._clock()
        if sent < len(rest):
            link.rest = rest[sent:]
            return
        link.rest = None
        self._unblock(link)

    def turn(self) -> None:
        """Handle requests that were left over, and links without a descriptor."""
        if self.throttled:
            self.throttle.release()
        for connection in self.store.runnable():
            link = connection.label
            if link is not None and self._may_read(link):
                try:
                    self._handle(link, b"")
                except Exception as error:  # noqa: BLE001  # the boundary between peers
                    self.fault(link, error)
        if self.kicked:
            kicked = list(self.kicked)
            self.kicked.clear()
            for link in kicked:
                try:
                    self._kick(link)
                except Exception as error:  # noqa: BLE001  # the boundary between peers
                    self.fault(link, error)

    def fault(self, link: Link, error: Exception) -> None:
        """End a link whose input has met a fault of this program."""
        self.on_fault(error)
        self._core.request = None
        self.close(link)

    def flush(self) -> None:
        """Send what waits for peers."""
        if self.before_send is not None:
            self.before_send()
        for connection in self.store.ready():
            link = connection.label
            if link is None:
                self.store.lagging(connection)  # a domain without a channel, for now
            elif link.rest is not None:
                if connection.broken:
                    self.close(link)  # more waits for it than the store will hold
                else:
                    self.store.lagging(connection)
            else:
                self._send(link, connection.take())

    def sweep(self) -> bool:
        """Have done with peers that take nothing; at most once a second.

        Returns:
            Whether a second had passed.
        """
        now = self._clock()
        settings = self._settings
        if now - self._swept < SWEEP:
            return False
        self._swept = now
        for link in list(self.blocked):
            patience = settings.event_timeout if link.guest else settings.stall_after
            if now - link.since < patience:
                continue
            self.writable(link)  # a unix socket is said to be writable only when most of it was read
            if link.rest is None or now - link.since < patience:
                continue
            if link.guest:
                self.store.drop_events(link.connection)
            else:
                self.close(link)
        return True

    def regulate(self, link: Link) -> None:
        """Poll a link for what it may do now."""
        wanted = (_IN if self._may_read(link) else 0) | (0 if link.rest is None else _OUT)
        if wanted != link.interest and not link.closed:
            if link.fd < 0:
                if wanted & ~link.interest & _IN:
                    self.kicked[link] = None
            else:
                self._poll.modify(link.fd, wanted)
            link.interest = wanted

    def close(self, link: Link) -> None:
        """End a link. A client of a socket is forgotten; a domain loses its watches and transactions only."""
        if link.closed:
            return
        link.closed = True
        if link.fd >= 0:
            del self.links[link.fd]
            self._poll.unregister(link.fd)
        for group in (self.unpolled, self.blocked, self.kicked):
            group.pop(link, None)
        self.throttle.let_go(link)
        connection = link.connection
        connection.label = None
        if connection.privileged:
            self.store.close(connection)
        elif self._core.guests.get(connection.domain) is connection:
            self.store.introduce(connection.domain.domid)
            self._core.runnable.pop(connection, None)
        link.channel.close()
        if self.on_closed is not None:
            self.on_closed(link)

    def start_anew(self, link: Link) -> None:
        """A domain's channel begins a new stream: what was underway on the former one is void."""
        self.store.introduce(link.connection.domain.domid)
        link.rest = None
        link.deaf = False
        link.send = link.channel.send
        self.blocked.pop(link, None)
        self.throttle.let_go(link)
        self._core.runnable.pop(link.connection, None)
        if isinstance(link.channel, RingChannel):
            link.channel.restart()
        self.regulate(link)

    def abandon(self) -> None:
        """Close all channels; what did not go out to guests goes back into the store."""
        for link in (*self.links.values(), *self.unpolled):
            connection = link.connection
            if link.guest and link.rest is not None:
                rest = bytes(link.rest)
                connection.output.insert(0, rest)
                connection.backlog += len(rest)
                connection.domain.memory += len(rest)
            connection.label = None
            link.closed = True
            link.channel.close()
        self.links.clear()
        self.unpolled.clear()

    def _send(self, link: Link, data: bytes) -> None:
        """Send what was taken from a connection."""
        try:
            sent = link.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._gone_deaf(link)
            return
        connection = link.connection
        if sent == len(data):
            if connection.underway:
                self.store.delivered(connection)
            return
        link.rest = memoryview(data)[sent:]
        link.since = self._clock()
        self.blocked[link] = None
        self.store.lagging(connection)
        self.regulate(link)

    def _handle(self, link: Link, data: bytes) -> None:
        connection = link.connection
        if connection.privileged:
            stays = self.store.receive(connection, data, self._settings.host_budget)
        else:
            stays = self.throttle.receive(link, data)
        if self._core.ready:
            self.flush()
        if not stays:
            if isinstance(link.channel, RingChannel):
                link.channel.report(RingError.PROTOCOL)
            self._ended(link)
        elif link.rest is not None or not connection.privileged:
            self.regulate(link)

    def _may_read(self, link: Link) -> bool:
        connection = link.connection
        if link.resume_at:
            return False
        if connection.outstanding and connection.stalled:
            return False
        rest = link.rest
        return rest is None or len(rest) + connection.backlog < self._settings.output_high

    def _kick(self, link: Link) -> None:
        """Look at a link that cannot be polled, as often as its peer says that something has changed."""
        channel = link.channel
        if isinstance(channel, RingChannel) and channel.ring.wants_restart:
            self.start_anew(link)
        self.writable(link)
        if link.closed or link.connection.broken:
            return
        if self._may_read(link):
            if link.connection in self._core.runnable:
                self.kicked[link] = None
            else:
                self.read(link)

    def _unblock(self, link: Link) -> None:
        self.blocked.pop(link, None)
        connection = link.connection
        self.store.delivered(connection)
        if connection.output:
            self._core.ready[connection] = None
            self.flush()
        if connection.parser.waiting:
            self._core.runnable[connection] = None
        self.regulate(link)

    def _gone_deaf(self, link: Link) -> None:
        """Nobody takes what is sent: drop it, now and later, but handle what the peer has sent before."""
        if isinstance(link.channel, RingChannel):
            self._ended(link)
            return
        link.deaf = True
        link.send = len
        link.rest = None
        self._unblock(link)

    def _ended(self, link: Link) -> None:
        """Nothing more will come. The link of a page stays: the domain may ask to be connected anew."""
        if isinstance(link.channel, RingChannel):
            self.store.introduce(link.connection.domain.domid)
            link.connection.broken = True
            link.rest = None
            self.blocked.pop(link, None)
            self._core.runnable.pop(link.connection, None)
        else:
            self.close(link)


def _print_fault(error: Exception) -> None:
    sys.stderr.write("".join(traceback.format_exception(error)))
