"""A block device on an NBD server at the other end of a connected stream socket."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from guestwright.disk import nbd_wire as wire
from guestwright.disk.errors import DiskIO, HostNoSpace, NbdFailed, NotWritable, OutOfRange
from guestwright.disk.nbd_stream import NbdStream, negotiate

_STEP: Final = 4 << 20
_TOGETHER: Final = 1 << 16  # bytes of data that are sent with the head of their request
_WINDOW: Final = 16  # requests under way; QEMU takes no more at a time (nbd/server.c, MAX_NBD_REQUESTS)
TIMEOUT: Final = 120


class NbdDevice:
    """The default export of an NBD server.

    The constructor makes the handshake. One request is under way at a time, but for `write_all`.

    Args:
        connection: connected stream socket, in blocking mode; the device owns it from now on.
        path: for messages.
        timeout: how long the server may be silent, seconds.

    Raises:
        NbdFailed: the server breaks the protocol.
        ConnectionEnded: it closed the connection or stayed silent.
    """

    def __init__(self, connection: socket.socket, *, path: str, timeout: int = TIMEOUT) -> None:
        self._stream = NbdStream(connection, path=path, timeout=timeout)
        self._path = path
        self._cookie = 0
        self._send = self._stream.send
        self._receive = self._stream.receive
        try:
            session = negotiate(self._stream)
        except wire.WireError as error:
            raise NbdFailed(path=path, detail=str(error)) from error
        self._export = session.export
        self._structured = session.structured
        self._context = session.context

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._export.size

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""
        return not self._export.flags & wire.EXPORT_READ_ONLY

    @property
    def has_block_status(self) -> bool:
        """Whether `block_status` tells holes from data."""
        return self._context >= 0

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.

        Raises:
            OutOfRange: not inside the device.
            DiskIO: the server cannot read it.
            NbdFailed: the server breaks the protocol or is gone.
        """
        self._check(offset, length)
        if length <= _STEP:
            return self._read(offset, length) if length else b""
        return b"".join(
            self._read(at, min(_STEP, offset + length - at)) for at in range(offset, offset + length, _STEP)
        )

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data` at `offset`.

        Raises:
            OutOfRange, NotWritable: refused before anything is sent.
            HostNoSpace: the host's filesystem is full; part of `data` may be stored.
            DiskIO, NbdFailed: as for `read`.
        """
        if not self.writable:
            raise NotWritable(path=self._path)
        self._check(offset, len(data))
        view = memoryview(data)
        for start in range(0, len(view), _STEP):
            part = view[start : start + _STEP]
            head = wire.request(wire.CMD_WRITE, self._next(), offset + start, len(part))
            self._send(head if len(part) > _TOGETHER else head + part)
            if len(part) > _TOGETHER:
                self._send(part)
            self._finish("write")

    def write_all(self, writes: Iterable[tuple[int, bytes]]) -> None:
        """Store many extents (offset, data) that do not overlap, in any order.

        Raises:
            As `write`; any of the extents may be stored then.
        """
        if not self.writable:
            raise NotWritable(path=self._path)
        waiting: set[int] = set()
        failure = 0
        try:
            for offset, data in writes:
                self._check(offset, len(data))
                alone = len(data) > _TOGETHER
                if alone or len(waiting) == _WINDOW:
                    failure = self._settle(waiting, 0 if alone else _WINDOW // 2)
                    if failure:
                        break
                if alone:
                    self.write(offset, data)
                else:
                    self._send(wire.request(wire.CMD_WRITE, self._next(), offset, len(data)) + data)
                    waiting.add(self._cookie)
        finally:  # whatever happens, no answer stays behind to be taken for another's
            failure = self._settle(waiting) or failure
        _raise_for(self._path, "write", failure)

    def flush(self) -> None:
        """Make all writes so far durable."""
        if not self._export.flags & wire.EXPORT_SEND_FLUSH:
            return
        self._send(wire.request(wire.CMD_FLUSH, self._next()))
        self._finish("flush")

    def block_status(self, offset: int, length: int) -> Iterator[tuple[int, int, int]]:
        """What is allocated in the image.

        Args:
            offset: of the part to ask about, bytes.
            length: of that part, bytes.

        Returns:
            (offset, length, state) extents in ascending order that cover the part; state is made of
            `nbd_wire.STATE_HOLE` and `STATE_ZERO`. Everything counts as data where the server cannot tell.
        """
        self._check(offset, length)
        end = offset + length
        while offset < end:
            if self._context < 0:
                yield offset, end - offset, 0
                return
            for size, state in self._status(offset, min(end - offset, 1 << 30)):
                size = min(size, end - offset)  # noqa: PLW2901 - the server may describe more than asked
                if size:
                    yield offset, size, state
                offset += size

    def close(self) -> None:
        """Say goodbye and close the connection."""
        self._stream.close(wire.request(wire.CMD_DISC, self._next()))

    def _read(self, offset: int, length: int) -> bytes:
        self._send(wire.request(wire.CMD_READ, self._next(), offset, length))
        try:
            if not self._structured:
                _raise_for(
                    self._path, "read", wire.parse_simple(self._receive(wire.SIMPLE_REPLY.size), self._cookie)
                )
                return self._receive(length)
            return self._read_chunks(offset, length)
        except wire.WireError as error:
            raise NbdFailed(path=self._path, detail=str(error)) from error

    def _read_chunks(self, offset: int, length: int) -> bytes:
        result: bytearray | None = None
        got = failure = 0
        for chunk in self._chunks():
            if chunk.failed:
                failure = self._chunk_error(chunk) or failure
            elif chunk.kind == wire.CHUNK_DATA and chunk.length > 8:
                start = int.from_bytes(self._receive(8), "big") - offset
                size = chunk.length - 8
                if start == 0 and size == length and chunk.done:
                    return self._receive(size)
                got += _place(result := result or bytearray(length), start, self._receive(size))
            elif chunk.kind == wire.CHUNK_HOLE and chunk.length == 12:
                start, size = struct.unpack(">QI", self._receive(12))
                result = result or bytearray(length)
                if start < offset or start + size > offset + length:
                    raise wire.WireError("hole outside of what was read")
                got += size
            elif chunk.kind != wire.CHUNK_NONE or chunk.length:
                raise wire.WireError("unexpected reply to a read")
        _raise_for(self._path, "read", failure)
        if got != length or result is None:
            raise wire.WireError("did not send all that was read")
        return bytes(result)

    def _status(self, offset: int, length: int) -> tuple[tuple[int, int], ...]:
        self._send(wire.request(wire.CMD_BLOCK_STATUS, self._next(), offset, length))
        found: tuple[tuple[int, int], ...] = ()
        failure = 0
        try:
            for chunk in self._chunks():
                if chunk.failed:
                    failure = self._chunk_error(chunk) or failure
                elif chunk.kind == wire.CHUNK_BLOCK_STATUS:
                    context, extents = wire.parse_extents(self._receive(chunk.length))
                    found = extents if context == self._context else found
                else:
                    self._receive(chunk.length)
        except wire.WireError as error:
            raise NbdFailed(path=self._path, detail=str(error)) from error
        _raise_for(self._path, "ask about", failure)
        if not found:
            raise NbdFailed(path=self._path, detail="did not tell the block status")
        return found

    def _finish(self, action: str) -> None:
        """Take the reply to the request just sent, which returns no data."""
        _raise_for(self._path, action, self._settle({self._cookie}))

    def _settle(self, waiting: set[int], left: int = 0) -> int:
        """Take replies without data until only `left` of the requests wait; an error number, 0 for none.

        Servers may answer in either form, and in any order.
        """
        failure = 0
        try:
            while len(waiting) > left:
                failure = self._take(waiting) or failure
        except wire.WireError as error:
            raise NbdFailed(path=self._path, detail=str(error)) from error
        return failure

    def _take(self, waiting: set[int]) -> int:
        head = self._receive(wire.SIMPLE_REPLY.size)
        cookie = wire.cookie_of(head)
        if cookie not in waiting:
            raise wire.WireError("a reply to nothing that was asked")
        waiting.remove(cookie)
        if wire.MAGIC.unpack(head[:4])[0] == wire.SIMPLE_REPLY_MAGIC:
            return wire.parse_simple(head, cookie)
        failure = 0
        for chunk in self._chunks(head, cookie):
            if chunk.failed:
                failure = self._chunk_error(chunk) or failure
            else:
                self._receive(chunk.length)
        return failure

    def _chunks(self, begun: bytes = b"", cookie: int = -1) -> Iterator[wire.Chunk]:
        """Chunk heads of one reply; whoever iterates takes each payload before going on."""
        for _ in range(1 << 16):
            data = begun + self._receive(wire.CHUNK.size - len(begun))
            chunk = wire.parse_chunk(data, self._cookie if cookie < 0 else cookie)
            begun = b""
            yield chunk
            if chunk.done:
                return
        raise wire.WireError("reply without end")

    def _chunk_error(self, chunk: wire.Chunk) -> int:
        payload = self._receive(chunk.length)
        return int.from_bytes(payload[:4], "big") if len(payload) >= 4 else errno.EIO

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self._export.size:
            raise OutOfRange(offset=offset, length=length, size=self._export.size)

    def _next(self) -> int:
        self._cookie = (self._cookie + 1) & 0xFFFFFFFF
        return self._cookie


def _place(result: bytearray, start: int, data: bytes) -> int:
    if start < 0 or start + len(data) > len(result):
        raise wire.WireError("data outside of what was read")
    result[start : start + len(data)] = data
    return len(data)


def _raise_for(path: str, action: str, number: int) -> None:
    if not number:
        return
    if number == errno.ENOSPC:
        raise HostNoSpace(path=path, action=action)
    raise DiskIO(path=path, action=action, detail=os.strerror(number))
