"""The partitions of a disk, whichever kind of table it has.

A disk counts as GPT when its master boot record says so (type 0xEE in any entry, as the Linux kernel has
it: a hybrid record is GPT too) and one of the two GUID tables is sound.
"""

from __future__ import annotations

from typing import Literal

from guestwright.base.block import BlockDevice
from guestwright.base.record import record
from guestwright.disk.errors import PartitionTableInvalid
from guestwright.disk.partitions.gpt import GptError, read_gpt
from guestwright.disk.partitions.mbr import PROTECTIVE, Mbr, MbrError, read_logical, read_mbr
from guestwright.disk.partitions.probe import probe


@record
class Partition:
    """A partition, or the whole disk.

    Attributes:
        number: from 1, as Linux numbers it; 0 for a disk without a table.
        start: offset of its first byte, bytes.
        size: bytes.
        type_id: GUID, lower case (GPT); "0x83" (MBR); "" (bare).
        uuid: the kernel's PARTUUID; "" for a bare disk.
        label: GPT's name of it; "" elsewhere.
    """

    number: int
    start: int
    size: int
    type_id: str = ""
    uuid: str = ""
    label: str = ""


@record
class Table:
    """Which kind of table a disk has ("bare": none), and its partitions by number, extended ones left out."""

    kind: Literal["gpt", "mbr", "bare"]
    partitions: tuple[Partition, ...]


def read_partitions(device: BlockDevice) -> Table:
    """Read a disk's partition table.

    Args:
        device: the whole disk; only read.

    Returns:
        The table. A disk without one has a single partition of number 0 over all of it.

    Raises:
        PartitionTableInvalid: the table is damaged, or partitions overlap or end past the disk.
    """
    mbr = read_mbr(device)
    if mbr is None:
        return _bare(device)
    if mbr.protective:
        table = _gpt(device, mbr)
        if table is not None:
            return table
    if not mbr.primaries and probe(device).type:
        return _bare(device)  # a boot sector, with the same magic at its end
    try:
        return _checked("mbr", _mbr(device, mbr), device.size)
    except PartitionTableInvalid:
        if probe(device).type in {"vfat", "ntfs", "exfat"}:
            return _bare(device)  # boot code where the table would be
        raise


def _bare(device: BlockDevice) -> Table:
    return Table(kind="bare", partitions=(Partition(number=0, start=0, size=device.size),))


def _gpt(device: BlockDevice, mbr: Mbr) -> Table | None:
    try:
        entries = read_gpt(device)
    except GptError as error:
        raise PartitionTableInvalid(detail=f"the GPT is damaged ({error})") from error
    if entries is None:
        if all(entry.kind == PROTECTIVE for entry in mbr.primaries):
            raise PartitionTableInvalid(
                detail="the disk says it has a GPT, but neither it nor its backup is there"
            )
        return None
    partitions = tuple(
        Partition(
            number=entry.number,
            start=entry.start,
            size=entry.size,
            type_id=entry.type_id,
            uuid=entry.uuid,
            label=entry.label,
        )
        for entry in entries
    )
    return _checked("gpt", partitions, device.size)


def _mbr(device: BlockDevice, mbr: Mbr) -> tuple[Partition, ...]:
    try:
        entries = read_logical(device, mbr)
    except MbrError as error:
        raise PartitionTableInvalid(detail=str(error)) from error
    return tuple(
        Partition(
            number=entry.number,
            start=entry.start,
            size=entry.size,
            type_id=f"{entry.kind:#04x}",
            uuid=f"{mbr.disk_id:08x}-{entry.number:02x}",
        )
        for entry in entries
        if entry.kind != PROTECTIVE
    )


def _checked(kind: Literal["gpt", "mbr"], partitions: tuple[Partition, ...], size: int) -> Table:
    end, before = 0, 0
    for partition in sorted(partitions, key=lambda p: (p.start, p.number)):
        if partition.start < end:
            raise PartitionTableInvalid(detail=f"partitions {before} and {partition.number} overlap")
        end, before = partition.start + partition.size, partition.number
        if end > size:
            raise PartitionTableInvalid(
                detail=f"partition {before} ends at byte {end}, the disk at {size} (cut off, or not whole?)"
            )
    return Table(kind=kind, partitions=partitions)
