"""One peer: its channel, and its connection to the store."""

from __future__ import annotations

from select import EPOLLIN
from typing import Any

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.server.channel import Channel


class Link:
    """A channel bound to a connection.

    Args:
        channel: where the bytes go.
        connection: of the store; it says who the peer is.
        fd: what to poll for the channel; -1 when it has no descriptor.

    Attributes:
        recv: the channel's.
        send: the channel's.
        interest: what the poll object was told.
        rest: bytes taken from the connection that the channel had no room for.
        since: time of the clock when `rest` last became shorter.
        resume_at: time of the clock before which no request is handled (write-rate limit); 0 without.
        deaf: the peer reads no more; what it has sent already is still handled.
        closed: the link is no more.
        owner: for whoever made the link; unused here.
    """

    __slots__ = (
        "channel",
        "closed",
        "connection",
        "deaf",
        "fd",
        "interest",
        "owner",
        "recv",
        "rest",
        "resume_at",
        "send",
        "since",
    )

    def __init__(self, channel: Channel, connection: Connection, fd: int) -> None:
        self.channel = channel
        self.connection = connection
        self.fd = fd
        self.recv = channel.recv
        self.send = channel.send
        self.interest = int(EPOLLIN)
        self.rest: memoryview | None = None
        self.since = 0.0
        self.resume_at = 0.0
        self.deaf = False
        self.closed = False
        self.owner: Any = None

    @property
    def guest(self) -> bool:
        """Whether the peer is a domain without privileges."""
        return not self.connection.privileged
