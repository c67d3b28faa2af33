"""Partition tables in the master boot record, with logical partitions, numbered as Linux numbers them.

Source: the Linux kernel's block/partitions/msdos.c. Sectors are taken to be 512 bytes.
"""

from __future__ import annotations

import struct
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.base.record import record

SECTOR: Final = 512
PROTECTIVE: Final = 0xEE
_EXTENDED: Final = frozenset({0x05, 0x0F, 0x85})
_MAX_LOGICAL: Final = 128
_ENTRY: Final = struct.Struct("<B3xB3xII")
_TABLE: Final = 446
_MAGIC: Final = b"\x55\xaa"


class MbrError(ValueError):
    """A chain of logical partitions that leads astray."""


@record(kw_only=False)
class MbrEntry:
    """One partition: its number, place in bytes and type."""

    number: int
    start: int
    size: int
    kind: int


@record(kw_only=False)
class Mbr:
    """A master boot record: disk id, and the used primary entries (extended and protective ones too)."""

    disk_id: int
    primaries: tuple[MbrEntry, ...]

    @property
    def protective(self) -> bool:
        """Whether it says that the disk has a GUID partition table."""
        return any(entry.kind == PROTECTIVE for entry in self.primaries)


def read_mbr(device: BlockDevice) -> Mbr | None:
    """The master boot record of a disk.

    Returns:
        None when sector 0 is none: no magic, or active flags that are neither set nor clear.
    """
    if device.size < SECTOR:
        return None
    block = device.read(0, SECTOR)
    if block[510:] != _MAGIC:
        return None
    rows = _rows(block)
    if any(row[0] not in {0, 0x80} for row in rows):
        return None
    primaries = tuple(
        MbrEntry(number, start * SECTOR, size * SECTOR, kind)
        for number, (_, kind, start, size) in enumerate(rows, 1)
        if kind and size
    )
    return Mbr(int.from_bytes(block[440:444], "little"), primaries)


def read_logical(device: BlockDevice, mbr: Mbr) -> tuple[MbrEntry, ...]:
    """The partitions of a disk: primaries without the extended one, then the logical ones, from number 5.

    Raises:
        MbrError: the chain comes back to itself, leaves the disk, or does not end.
    """
    found = [entry for entry in mbr.primaries if entry.kind not in _EXTENDED]
    number = 5
    for extended in mbr.primaries:
        if extended.kind in _EXTENDED:
            for entry in _chain(device, extended, number):
                found.append(entry)
                number = entry.number + 1
    return tuple(found)


def _chain(device: BlockDevice, extended: MbrEntry, number: int) -> list[MbrEntry]:
    found: list[MbrEntry] = []
    seen: set[int] = set()
    here, room = extended.start, extended.size
    while True:
        if here in seen or len(seen) >= _MAX_LOGICAL:
            raise MbrError("the chain of logical partitions does not end")
        seen.add(here)
        if here + SECTOR > device.size:
            raise MbrError("the chain of logical partitions leaves the disk")
        block = device.read(here, SECTOR)
        if block[510:] != _MAGIC:
            return found
        link: tuple[int, int] | None = None
        for slot, (_, kind, start, size) in enumerate(_rows(block)):
            if not size or not kind:
                continue
            if kind in _EXTENDED:
                link = link or (extended.start + start * SECTOR, size * SECTOR)
            elif slot < 2 or (start + size) * SECTOR <= room:
                found.append(MbrEntry(number, here + start * SECTOR, size * SECTOR, kind))
                number += 1
        if link is None:
            return found
        here, room = link


def _rows(block: bytes) -> tuple[tuple[int, int, int, int], ...]:
    return tuple(_ENTRY.iter_unpack(block[_TABLE : _TABLE + 4 * _ENTRY.size]))
