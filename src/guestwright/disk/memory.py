"""A block device in memory: the fake for tests, and a real device for small made-up images."""

from __future__ import annotations

from guestwright.disk.bounds import check_range
from guestwright.disk.errors import NotWritable


class MemoryDevice:
    """Bytes in memory.

    Args:
        content: initial bytes, copied; or a size in bytes, zeroed.
        writable: whether it takes writes.
    """

    def __init__(self, content: bytes | bytearray | int, *, writable: bool = True) -> None:
        self._data = bytearray(content)
        self._writable = writable
        self.flushes = 0

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self._data)

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""
        return self._writable

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`."""
        check_range(offset, length, len(self._data))
        return bytes(memoryview(self._data)[offset : offset + length])

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data` at `offset`."""
        if not self._writable:
            raise NotWritable(path="(memory)")
        check_range(offset, len(data), len(self._data))
        self._data[offset : offset + len(data)] = data

    def flush(self) -> None:
        """Count the call in `flushes`; there is nothing to make durable."""
        self.flushes += 1

    def close(self) -> None:
        """Nothing to release."""
