"""Serves one block device as the one file of a FUSE mount, until the tool that uses it has ended.

Theory of operation: a single thread takes a request off the FUSE descriptor, answers it from the device and
takes the next; only when none is waiting does `watch` poll, with the tool's output and its end. Reads are
nearly all of the traffic, so they have a path of their own: one readv into a buffer that is made once,
one read of the device, one writev of head and data, nothing copied in between.

What the tool writes goes straight to the device. An error of the device is told to the tool as EIO and
raised again when the tool has ended, so that it is not mistaken for a damaged file system.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.base.errors import GuestwrightError
from guestwright.fileview import fuse_wire as wire
from guestwright.fileview.fuse_wire import Opcode

READAHEAD: Final = 1 << 20  # the kernel takes the smaller of this and its 128 KiB; more made no difference
_CHECK_EVERY: Final = 256  # requests between two looks at the clock and the tool
_GONE: Final = (errno.ENODEV, errno.ECONNABORTED, errno.ENOTCONN)
_SILENT: Final = frozenset({Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT, Opcode.DESTROY})
_EMPTY_ANSWER: Final = frozenset({Opcode.RELEASE, Opcode.FLUSH, Opcode.ACCESS})


class FuseServer:
    """See the module.

    Args:
        connection: descriptor of /dev/fuse, mounted; the server makes it non-blocking and does not close it.
        device: what the file holds.
        writable: whether WRITE is served; needs a writable device.
    """

    def __init__(self, connection: int, device: BlockDevice, *, writable: bool) -> None:
        self._connection = connection
        self._device = device
        self._writable = writable
        self._buffer = bytearray(wire.BUFFER_SIZE)
        self._view = memoryview(self._buffer)
        self._attributes = wire.attr_out(device.size, writable=writable)
        self._problem: GuestwrightError | OSError | None = None
        self.requests = 0
        os.set_blocking(connection, False)

    @property
    def descriptor(self) -> int:
        """What to poll."""
        return self._connection

    def raise_device_error(self) -> None:
        """Raise the first error of the device that was told to the tool as EIO, if there was one."""
        if self._problem is not None:
            raise self._problem

    def serve_waiting(self) -> bool:
        """Answer what is in the queue, up to a bound. False when the mount is gone."""
        connection, buffer, into = self._connection, self._buffer, [self._view]
        request, out, read_opcode = wire.READ_REQUEST, wire.OUT_HEADER, int(Opcode.READ)
        read, size = self._device.read, self._device.size
        for _ in range(_CHECK_EVERY):
            try:
                received = os.readv(connection, into)
            except BlockingIOError:
                return True
            except OSError as problem:
                if problem.errno == errno.ENOENT:  # the request was interrupted before we got it
                    continue
                if problem.errno in _GONE:
                    return False
                raise
            self.requests += 1
            opcode, unique, offset, wanted = request.unpack_from(buffer)
            if opcode == read_opcode:
                wanted = max(0, min(wanted, size - offset))
                try:
                    data = read(offset, wanted) if wanted else b""
                except (GuestwrightError, OSError) as problem:
                    self._fail(unique, problem)
                    continue
                self._send([out.pack(out.size + wanted, 0, unique), data])
            else:
                self._answer(wire.parse_request(buffer, received))
        return True

    def _answer(self, request: wire.Request) -> None:
        """Everything but READ."""
        opcode, unique = request.opcode, request.unique
        if opcode in _SILENT:
            return
        if opcode == Opcode.WRITE:
            self._write(request)
        elif opcode == Opcode.FSYNC:
            self._flush(unique)
        elif opcode in _EMPTY_ANSWER:
            self._send([wire.reply(unique)])
        else:
            self._send([self._describe(request)])

    def _describe(self, request: wire.Request) -> bytes:
        opcode, unique = request.opcode, request.unique
        if opcode == Opcode.INIT:
            return wire.reply(unique, wire.init_out(wire.parse_init(self._buffer), READAHEAD))
        if opcode == Opcode.GETATTR:
            return wire.reply(unique, self._attributes)
        if opcode == Opcode.SETATTR:
            if wire.setattr_mask(self._buffer) & wire.SETATTR_SIZE:
                return wire.failure(unique, errno.EPERM)
            return wire.reply(unique, self._attributes)
        if opcode == Opcode.OPEN:
            return wire.reply(unique, wire.open_out())
        if opcode == Opcode.STATFS:
            return wire.reply(unique, wire.statfs_out(self._device.size))
        return wire.failure(unique, errno.ENOENT if opcode == Opcode.LOOKUP else errno.ENOSYS)

    def _write(self, request: wire.Request) -> None:
        start = wire.IN_HEADER.size + wire.WRITE_IN.size
        _, offset, size, *_ = wire.WRITE_IN.unpack_from(self._buffer, wire.IN_HEADER.size)
        if not self._writable:
            self._send([wire.failure(request.unique, errno.EROFS)])
        elif start + size != request.length:
            self._send([wire.failure(request.unique, errno.EINVAL)])
        elif offset + size > self._device.size:
            self._send([wire.failure(request.unique, errno.ENOSPC)])
        else:
            try:
                self._device.write(offset, bytes(self._view[start : start + size]))
            except (GuestwrightError, OSError) as problem:
                self._fail(request.unique, problem)
                return
            self._send([wire.reply(request.unique, wire.write_out(size))])

    def _flush(self, unique: int) -> None:
        try:
            if self._writable:
                self._device.flush()
        except (GuestwrightError, OSError) as problem:
            self._fail(unique, problem)
            return
        self._send([wire.reply(unique)])

    def _fail(self, unique: int, problem: GuestwrightError | OSError) -> None:
        if self._problem is None:
            self._problem = problem
        self._send([wire.failure(unique, errno.EIO)])

    def _send(self, parts: Sequence[bytes]) -> None:
        try:
            os.writev(self._connection, parts)
        except OSError as problem:
            # ENOENT: whoever asked was killed meanwhile; ENODEV: the mount is gone, the next read tells.
            if problem.errno not in (errno.ENOENT, *_GONE):
                raise
