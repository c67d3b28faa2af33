"""Reads a qcow2 image's data where it lies in the file, without a round trip to qemu-nbd for each piece.

Theory of operation (QEMU's docs/interop/qcow2.txt, "Cluster mapping"): the disk is cut into clusters. An
entry of the L1 table gives the place of an L2 table, an entry of that the place of a cluster in the file.
Only the two plain cases are read here: a cluster that is stored as it is, and one that is all zeros.
Everything else (compressed, beyond the file, an impossible entry) is asked of QEMU, whose word counts anyway.
As long as nobody writes to the image, both say the same: QEMU has nothing in its caches that is not in the
file. Sealing writes at the commit only, when it reads no more.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.disk.errors import NotWritable, OutOfRange
from guestwright.disk.qcow2 import Qcow2Header

_ENTRY: Final = struct.Struct(">Q")
_PLACE: Final = 0x00FF_FFFF_FFFF_FE00  # bits 9 to 55
_COMPRESSED: Final = 1 << 62
_ZERO: Final = 1
_COPIED: Final = 1 << 63
_TABLES: Final = 8 << 20  # bytes of L2 tables to keep
_HOLE: Final = -1
_ASK: Final = -2


class Qcow2Map:
    """Where an image keeps the clusters of its disk.

    Args:
        fd: of the image file; stays the caller's.
        header: of the image; see `readable`.
    """

    def __init__(self, fd: int, header: Qcow2Header) -> None:
        self._fd = fd
        self._header = header
        self._bits = header.cluster_bits
        self._zeros = header.version >= 3  # the flag is a reserved bit in version 2
        self._tables: dict[int, bytes | None] = {}
        self._kept = max(1, _TABLES >> self._bits)

    def peek(self, offset: int, length: int) -> bytes | None:
        """Exactly `length` bytes from `offset`, None where QEMU has to be asked for some of them."""
        pieces = [self._fetch(place, size) for place, size in self._runs(offset, length)]
        if None in pieces:
            return None
        found = [piece for piece in pieces if piece is not None]
        return found[0] if len(found) == 1 else b"".join(found)

    def _fetch(self, place: int, length: int) -> bytes | None:
        if place == _HOLE:
            return bytes(length)
        data = self._pread(length, place) if place >= 0 else b""
        return data if len(data) == length else None

    def _pread(self, length: int, place: int) -> bytes:
        try:
            return os.pread(self._fd, length, place)
        except (OSError, OverflowError):  # QEMU says what is wrong
            return b""

    def _runs(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """Place in the file (or `_HOLE`, `_ASK`) and length; neighbours are joined."""
        mask = (1 << self._bits) - 1
        end = offset + length
        last, total = _ASK, 0
        while offset < end:
            size = min(mask + 1 - (offset & mask), end - offset)
            place = self._place(offset >> self._bits)
            if place >= 0:
                place += offset & mask
            if total and place == (last + total if last >= 0 else last):
                total += size
            else:
                if total:
                    yield last, total
                last, total = place, size
            offset += size
        if total:
            yield last, total

    def _place(self, cluster: int) -> int:
        bits = self._bits - 3
        number = cluster >> bits
        try:
            table = self._tables[number]
        except KeyError:
            table = self._load(number)
        if table is None:
            return _HOLE
        if not table:
            return _ASK
        (entry,) = _ENTRY.unpack_from(table, (cluster & ((1 << bits) - 1)) << 3)
        if entry & _COMPRESSED:
            return _ASK
        if entry & _ZERO and self._zeros:
            return _HOLE
        place: int = entry & _PLACE
        if entry & ~(_PLACE | _COPIED) or place & ((1 << self._bits) - 1):
            return _ASK
        return place or _HOLE

    def _load(self, number: int) -> bytes | None:
        """An L2 table: None when there is none, so that all of it is a hole; empty when it is not sound."""
        table: bytes | None = b""
        if number < self._header.l1_size:
            raw = self._pread(8, self._header.l1_offset + 8 * number)
            entry = _ENTRY.unpack(raw)[0] if len(raw) == 8 else _ZERO
            place = entry & _PLACE
            if not entry & ~(_PLACE | _COPIED) and not place & ((1 << self._bits) - 1):
                table = self._pread(1 << self._bits, place) if place else None
            if table is not None and len(table) != 1 << self._bits:
                table = b""
        if len(self._tables) >= self._kept:
            self._tables.clear()
        self._tables[number] = table
        return table


class Qcow2Reader:
    """The disk in a qcow2 image without backing file, for reading while nobody writes.

    Args:
        fd: of the image file; stays the caller's.
        header: of the image; see `readable`.
        device: gives the same disk by way of QEMU; called when it is needed.
    """

    writable = False

    def __init__(self, fd: int, header: Qcow2Header, device: Callable[[], BlockDevice]) -> None:
        self._peek = Qcow2Map(fd, header).peek
        self._device = device
        self.size: Final = header.size

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.

        Raises:
            OutOfRange: not inside the disk.
            DiskError: as from the device.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise OutOfRange(offset=offset, length=length, size=self.size)
        data = self._peek(offset, length)
        return self._device().read(offset, length) if data is None else data

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Refused: see the module."""
        del offset, data
        raise NotWritable(path="(a disk that is only read)")

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing is held."""


def readable(header: Qcow2Header) -> bool:
    """Whether `Qcow2Reader` can read such an image: whole in one file, plain entries, closed properly."""
    whole = header.backing_file is None and not header.has_data_file and not header.size % 512
    return whole and not (header.encryption or header.dirty or header.extended_l2)
