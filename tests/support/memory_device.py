"""A block device in memory that can be told to fail, and remembers what was asked of it."""

from __future__ import annotations

import errno


class MemoryDevice:
    """Implements `BlockDevice`. `fail_reads` and `fail_writes` make the medium bad from then on."""

    def __init__(self, content: bytes, *, writable: bool = True) -> None:
        self.content = bytearray(content)
        self.writable = writable
        self.fail_reads = False
        self.fail_writes = False
        self.flushes = 0
        self.written: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        assert offset + length <= self.size
        if self.fail_reads:
            raise OSError(errno.EIO, "bad medium")
        return bytes(self.content[offset : offset + length])

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        assert self.writable
        assert offset + len(data) <= self.size
        if self.fail_writes:
            raise OSError(errno.EIO, "bad medium")
        self.content[offset : offset + len(data)] = data
        self.written.append((offset, len(data)))

    def flush(self) -> None:
        self.flushes += 1

    def close(self) -> None:
        pass
