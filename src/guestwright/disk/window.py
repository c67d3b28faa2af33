"""A part of a block device as a block device: a partition."""

from __future__ import annotations

from guestwright.base.block import BlockDevice
from guestwright.disk.errors import OutOfRange


class Window:
    """`size` bytes of `device` from `start` on. Closing it leaves the device open.

    Args:
        device: what it is a part of.
        start: offset of its first byte, bytes.
        size: bytes.

    Raises:
        OutOfRange: the window does not lie inside the device.
    """

    __slots__ = ("_device", "_size", "_start")

    def __init__(self, device: BlockDevice, start: int, size: int) -> None:
        if start < 0 or size < 0 or start + size > device.size:
            raise OutOfRange(offset=start, length=size, size=device.size)
        self._device = device
        self._start = start
        self._size = size

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._size

    @property
    def start(self) -> int:
        """Offset of the first byte in the device, bytes."""
        return self._start

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""
        return self._device.writable

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`."""
        if offset < 0 or length < 0 or offset + length > self._size:
            raise OutOfRange(offset=offset, length=length, size=self._size)
        return self._device.read(self._start + offset, length)

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data` at `offset`."""
        if offset < 0 or offset + len(data) > self._size:
            raise OutOfRange(offset=offset, length=len(data), size=self._size)
        self._device.write(self._start + offset, data)

    def flush(self) -> None:
        """Make all writes so far durable."""
        self._device.flush()

    def close(self) -> None:
        """Nothing: the device belongs to somebody else."""
