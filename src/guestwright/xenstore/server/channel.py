"""What carries bytes between the server and one peer.

Theory of operation: a channel looks like a non-blocking stream socket, and most are one. The Xen ring page
is made to look the same, so that the rest of the server knows one kind of peer. A ring has no descriptor:
whoever hears of the domain's notifications calls `Server.kick`, or hands in a descriptor that becomes
readable with each of them (an event channel's, an eventfd).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Protocol

from guestwright.xenstore.core.ring import Ring, RingError


class Channel(Protocol):
    """A non-blocking stream of bytes; `socket.socket` is one."""

    def recv(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end of the stream; BlockingIOError when there is nothing yet."""

    def send(self, data: bytes | memoryview, /) -> int:
        """How many bytes went out; BlockingIOError when there is no room, OSError when nobody is there."""

    def close(self) -> None:
        """Let go of it."""


class RingChannel:
    """The server's side of a domain's shared page.

    Args:
        page: at least 4096 writable bytes; see `core.ring.Ring`.
        notify: tells the domain that indices have moved.
        features: bits of `server_features` to show to the domain.
    """

    __slots__ = ("_notify", "ring")

    def __init__(
        self, page: bytearray | memoryview, notify: Callable[[], object], *, features: int = 0
    ) -> None:
        self.ring = Ring(page, server=True)
        self._notify = notify
        self.ring.advertise(features)

    def recv(self, size: int, /) -> bytes:
        """All that the domain has put, at most 1024 bytes; see `Channel`."""
        del size
        data = self.ring.get()
        if data is None:
            raise self._senseless()
        if not data:
            raise BlockingIOError(errno.EAGAIN, "the ring is empty")
        self._notify()
        return data

    def send(self, data: bytes | memoryview, /) -> int:
        """As much as fits; see `Channel`."""
        count = self.ring.put(bytes(data))
        if count is None:
            raise self._senseless()
        if not count and data:
            raise BlockingIOError(errno.EAGAIN, "the ring is full")
        self._notify()
        return count

    def close(self) -> None:
        """Nothing to do: the page is its maker's."""

    def restart(self) -> None:
        """Both rings begin anew, and the domain is told."""
        self.ring.restart()
        self._notify()

    def report(self, error: RingError) -> None:
        """Tell the domain why it is not served any more."""
        self.ring.report(error)
        self._notify()

    def _senseless(self) -> OSError:
        self.report(RingError.INDEX)
        return OSError(errno.EPROTO, "the indices of the ring make no sense")
