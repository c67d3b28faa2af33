"""Exact sends and receives on the socket of an NBD server, and the handshake over it."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Final

from guestwright.base.record import record
from guestwright.disk import nbd_wire as wire
from guestwright.disk.errors import ConnectionEnded

_MAX_REPLIES: Final = 64


class NbdStream:
    """A connected stream socket that moves exactly the bytes asked for or raises `ConnectionEnded`.

    Args:
        connection: in blocking mode; owned from now on.
        path: of the image, for messages.
        timeout: how long the server may be silent, seconds.
    """

    def __init__(self, connection: socket.socket, *, path: str, timeout: int) -> None:
        self._socket = connection
        self.path = path
        # The kernel's timeouts, not Python's: those make the socket non-blocking, and MSG_WAITALL void.
        wait = struct.pack("@ll", timeout, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._ended(error) from error

    def receive(self, length: int) -> bytes:
        """Exactly `length` bytes; one system call as a rule."""
        try:
            data = self._socket.recv(length, socket.MSG_WAITALL) if length else b""
            while len(data) < length:
                more = self._socket.recv(length - len(data), socket.MSG_WAITALL)
                if not more:
                    raise ConnectionEnded(path=self.path, detail="closed the connection")
                data += more
        except OSError as error:
            raise self._ended(error) from error
        return data

    def close(self, farewell: bytes = b"") -> None:
        """Send `farewell` if anybody still listens, then close. May be called twice."""
        if self._socket.fileno() < 0:
            return
        try:
            self._socket.sendall(farewell)
        except OSError:
            pass  # it is gone already
        finally:
            self._socket.close()

    def _ended(self, error: OSError) -> ConnectionEnded:
        silent = error.errno in {errno.EAGAIN, errno.EWOULDBLOCK}
        return ConnectionEnded(
            path=self.path, detail="does not answer" if silent else "closed the connection"
        )


@record(kw_only=False)
class Session:
    """What was agreed: the export, whether replies are structured, the id of base:allocation (-1: none)."""

    export: wire.Export
    structured: bool
    context: int


def negotiate(stream: NbdStream) -> Session:
    """Make the handshake and take the default export.

    Raises:
        nbd_wire.WireError: the server breaks the protocol or refuses.
        ConnectionEnded: it closed the connection or stayed silent.
    """
    flags = wire.parse_greeting(stream.receive(wire.GREETING.size))
    stream.send(wire.client_flags(flags) + wire.option(wire.OPT_STRUCTURED_REPLY))
    head, _ = _option_reply(stream, wire.OPT_STRUCTURED_REPLY)
    structured = head.kind == wire.REP_ACK
    context = _choose_context(stream) if structured else -1
    stream.send(wire.go())
    export: wire.Export | None = None
    for _ in range(_MAX_REPLIES):
        head, payload = _option_reply(stream, wire.OPT_GO)
        if head.failed:
            raise wire.WireError(f"refused the export: {payload[:200].decode(errors='replace')}")
        if head.kind == wire.REP_INFO:
            export = wire.parse_export(payload) or export
        elif head.kind == wire.REP_ACK:
            break
    if export is None:
        raise wire.WireError("did not tell the size of the export")
    return Session(export, structured, context)


def _choose_context(stream: NbdStream) -> int:
    stream.send(wire.set_meta_context(wire.ALLOCATION))
    found = -1
    for _ in range(_MAX_REPLIES):
        head, payload = _option_reply(stream, wire.OPT_SET_META_CONTEXT)
        if head.kind != wire.REP_META_CONTEXT:
            return found if head.kind == wire.REP_ACK else -1
        number, name = wire.parse_context(payload)
        if name == wire.ALLOCATION:
            found = number
    raise wire.WireError("offers metadata contexts without end")


def _option_reply(stream: NbdStream, option: int) -> tuple[wire.OptionReply, bytes]:
    head = wire.parse_option_reply(stream.receive(wire.OPTION_REPLY.size), option)
    return head, stream.receive(head.length)
