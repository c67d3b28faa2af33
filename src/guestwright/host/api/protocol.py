"""HTTP/1.1 of uvicorn, which also knows who is at the other end and does not wait for ever.

Theory of operation: uvicorn tells an application only the peer's address. The protocol object holds the
connection, so it asks there once, when the connection is made: the kernel for a unix socket, the handshake
for TLS; and puts the answer into the state of each request. It also closes connections that are open without
sending a whole head of a request; between two requests uvicorn's own limit counts, until the first byte.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from guestwright.host.api.callers import Local, Peer, certified

HEAD_SECONDS: Final = 30.0
HEAD_MAX: Final = 32 << 10  # bytes of a request's line and headers
_PEERGROUPS: Final = 59  # SO_PEERGROUPS, asm-generic/socket.h; Linux 4.13
_GROUPS_MAX: Final = 1024  # bytes that Python asks the kernel for at most: 256 groups


class HostProtocol(H11Protocol):
    """One connection."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        """Find out who it is."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "peer": _peer(transport)}
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; while they are not a whole head, time runs."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_watch()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        waiting = self.conn.their_state is h11.IDLE
        if not waiting:
            self._stop_watch()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_late)

    def _stop_watch(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.abort()


def _peer(transport: asyncio.Transport) -> Peer | None:
    secure = transport.get_extra_info("ssl_object")
    if secure is not None:
        return certified(secure.getpeercert())
    return local_peer(transport.get_extra_info("socket"))


def local_peer(connection: Any) -> Local | None:
    """Who is at the other end of a unix socket, as the kernel noted it at `connect`; None for other sockets.

    Args:
        connection: the socket.
    """
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    pid, uid, gid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _PEERGROUPS, _GROUPS_MAX)
    except OSError:
        raw = b""  # in more groups than that; its first one counts
    groups = struct.unpack(f"{len(raw) // 4}I", raw)
    return Local(uid=uid, gids=frozenset({gid, *groups}), pid=pid)
