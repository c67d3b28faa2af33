"""The block channel: the child's filesystem reads and writes devices that only the parent holds."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from guestwright.base.block import BlockDevice
from guestwright.guestfs.remote.wire import Channel, Frame, Malformed, Type

RANGE: Final = struct.Struct(">HQI")  # device, offset, length
MAX_RANGE: Final = 8 << 20
_PAGE_SHIFT: Final = 12


class ChannelDevice:
    """In the child: a block device at the other end of the channel.

    Args:
        channel: to the parent.
        number: of the device.
        size: in bytes.
        writable: whether it takes writes.
    """

    def __init__(self, channel: Channel, number: int, *, size: int, writable: bool) -> None:
        self._channel = channel
        self._number = number
        self._size = size
        self._writable = writable

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._size

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""
        return self._writable

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`."""
        if length <= MAX_RANGE:
            return self._read(offset, length)
        return b"".join(
            self._read(offset + done, min(MAX_RANGE, length - done)) for done in range(0, length, MAX_RANGE)
        )

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data`; an error of the device ends the whole worker, so nothing is waited for."""
        view = memoryview(data)
        for done in range(0, len(view), MAX_RANGE):
            piece = view[done : done + MAX_RANGE]
            self._channel.send(Type.WRITE, b"", RANGE.pack(self._number, offset + done, len(piece)) + piece)

    def flush(self) -> None:
        """Ask the parent to flush."""
        self._channel.send(Type.FLUSH, b"", RANGE.pack(self._number, 0, 0))

    def close(self) -> None:
        """Nothing to release."""

    def _read(self, offset: int, length: int) -> bytes:
        self._channel.send(Type.READ, b"", RANGE.pack(self._number, offset, length))
        frame = self._channel.receive()
        if frame.type is not Type.DATA or len(frame.tail) != length:
            raise Malformed("no data in answer to a read")
        return frame.tail


class Shortcut(NamedTuple):
    """A second way to a device's bytes, on a descriptor that cannot write.

    Attributes:
        fd: the descriptor.
        peek: exactly so many bytes from an offset of the disk; None when they are not to be had this way.
        start: of the device on the disk, bytes.
        written: pages of 4 KiB of the disk that were written and are not there.
    """

    fd: int
    peek: Callable[[int, int], bytes | None]
    start: int
    written: frozenset[int]


class ShortcutDevice(ChannelDevice):
    """A device that is read without a round trip, but for what was written.

    Args:
        channel: to the parent.
        number: of the device.
        size: in bytes.
        writable: whether it takes writes.
        shortcut: the other way.
    """

    def __init__(
        self, channel: Channel, number: int, *, size: int, writable: bool, shortcut: Shortcut
    ) -> None:
        super().__init__(channel, number, size=size, writable=writable)
        self._peek = shortcut.peek
        self._start = shortcut.start
        self._written = set(shortcut.written)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`."""
        if self._written.isdisjoint(self._pages(offset, length)):
            data = self._peek(self._start + offset, length)
            if data is not None:
                return data
        return super().read(offset, length)

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data`."""
        self._written.update(self._pages(offset, len(data)))
        super().write(offset, data)

    def _pages(self, offset: int, length: int) -> range:
        start = self._start + offset
        return range(start >> _PAGE_SHIFT, ((start + length - 1) >> _PAGE_SHIFT) + 1)


class BlockServer:
    """In the parent: serves the child's requests after checking them against the devices.

    Args:
        channel: to the child.
        devices: by number.
    """

    def __init__(self, channel: Channel, devices: Sequence[BlockDevice]) -> None:
        self._channel = channel
        self._devices = tuple(devices)
        self.reads = 0
        self.bytes_read = 0

    def serve(self, frame: Frame) -> bool:
        """Do what a frame asks for; False when it is not about blocks.

        Raises:
            Malformed: no such device, out of its range, or the device takes no writes.
        """
        if frame.type is Type.READ:
            device, offset, length = self._range(frame.tail)
            self.reads += 1
            self.bytes_read += length
            self._channel.send(Type.DATA, b"", device.read(offset, length))
        elif frame.type is Type.WRITE:
            device, offset, length = self._range(frame.tail[: RANGE.size])
            data = memoryview(frame.tail)[RANGE.size :]
            if len(data) != length or not device.writable:
                raise Malformed("a write of another length than it says, or to a read-only device")
            device.write(offset, data)
        elif frame.type is Type.FLUSH:
            self._range(frame.tail)[0].flush()
        else:
            return False
        return True

    def _range(self, raw: bytes) -> tuple[BlockDevice, int, int]:
        if len(raw) != RANGE.size:
            raise Malformed("a block request of a wrong length")
        number, offset, length = RANGE.unpack(raw)
        if number >= len(self._devices):
            raise Malformed(f"a request for device {number}")
        device = self._devices[number]
        if length > MAX_RANGE or offset + length > device.size:
            raise Malformed(f"a request for {length} bytes at {offset} of a device of {device.size}")
        return device, offset, length
