"""The port of a block device: what disks, partitions, overlays and NBD exports all are to the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable


@runtime_checkable
class BlockDevice(Protocol):
    """Bytes at offsets. Every call moves exactly the bytes asked for or raises.

    Contract (tests/contract/test_block_device.py runs it over every driver):
      - `0 <= offset` and `offset + length <= size`, or `OutOfRange` is raised and nothing happens;
      - after `flush()` returned, all writes so far survive a crash of the machine;
      - `close()` may be called twice.
    """

    @property
    def size(self) -> int:
        """Size in bytes."""

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`."""

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Store all of `data` at `offset`."""

    def flush(self) -> None:
        """Make all writes so far durable."""

    def close(self) -> None:
        """Release what the device holds."""


@runtime_checkable
class TakesMany(Protocol):
    """What some block devices can do besides, because each of their writes alone takes long."""

    def write_all(self, writes: Iterable[tuple[int, bytes]]) -> None:
        """Store many extents (offset, data) that do not overlap, in any order."""
