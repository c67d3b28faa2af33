"""GUID partition tables (UEFI specification 2.10, chapter 5)."""

from __future__ import annotations

import struct
from typing import Final
from zlib import crc32

from guestwright.base.block import BlockDevice
from guestwright.base.record import record
from guestwright.disk.partitions.surface import guid_text, label_text

SECTOR_SIZES: Final = (512, 4096)
SIGNATURE: Final = b"EFI PART"
_HEADER: Final = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY: Final = struct.Struct("<16s16sQQQ72s")
_MAX_ARRAY: Final = 4 << 20
_MAX_ENTRIES: Final = 4096


class GptError(ValueError):
    """A header or array that fails its checks."""


@record(kw_only=False)
class GptEntry:
    """One used entry: number from 1, first and last byte's offsets as start and size in bytes."""

    number: int
    start: int
    size: int
    type_id: str
    uuid: str
    label: str


def read_gpt(device: BlockDevice) -> tuple[GptEntry, ...] | None:
    """The partitions of a disk that has a GUID partition table.

    Args:
        device: the disk. Sectors of 512 and of 4096 bytes are tried.

    Returns:
        The used entries; None when the disk bears no such table at all.

    Raises:
        GptError: both the table and its backup are damaged.
    """
    problems: list[str] = []
    for sector in SECTOR_SIZES:
        last = device.size // sector - 1
        for where, number in (("primary", 1), ("backup", last)):
            if number < 1 or number > last or (number + 1) * sector > device.size:
                continue
            head = device.read(number * sector, sector)
            if not head.startswith(SIGNATURE):
                continue
            try:
                return _read_table(device, head, number, sector)
            except GptError as error:
                problems.append(f"{where}: {error}")
    if problems:
        raise GptError("; ".join(problems))
    return None


def _read_table(device: BlockDevice, head: bytes, number: int, sector: int) -> tuple[GptEntry, ...]:
    fields = _HEADER.unpack_from(head)
    length, checksum, own = fields[2], fields[3], fields[5]
    first, last = fields[7:9]
    array, count, entry_size, array_checksum = fields[10:14]
    if not _HEADER.size <= length <= sector:
        raise GptError(f"header of {length} bytes")
    if crc32(head[:16] + bytes(4) + head[20:length]) != checksum:
        raise GptError("checksum of the header is wrong")
    if own != number:
        raise GptError(f"header says it is at sector {own}, not {number}")
    if entry_size < _ENTRY.size or entry_size % 8 or not 0 < count <= _MAX_ENTRIES:
        raise GptError(f"{count} entries of {entry_size} bytes")
    size = count * entry_size
    if size > _MAX_ARRAY or array * sector + size > device.size:
        raise GptError("array of entries lies outside of the disk")
    entries = device.read(array * sector, size)
    if crc32(entries) != array_checksum:
        raise GptError("checksum of the entries is wrong")
    found = (_entry(entries, index, entry_size, sector, first, last) for index in range(count))
    return tuple(entry for entry in found if entry is not None)


def _entry(
    entries: bytes, index: int, entry_size: int, sector: int, usable_first: int, usable_last: int
) -> GptEntry | None:
    kind, uuid, first, last, _, name = _ENTRY.unpack_from(entries, index * entry_size)
    if not any(kind):
        return None
    if not usable_first <= first <= last <= usable_last:
        raise GptError(f"partition {index + 1} lies outside of the usable sectors")
    return GptEntry(
        number=index + 1,
        start=first * sector,
        size=(last - first + 1) * sector,
        type_id=guid_text(kind),
        uuid=guid_text(uuid),
        label=label_text(name, "utf-16-le"),
    )
