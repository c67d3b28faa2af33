"""What is on the disks: partitions and their signatures, and which driver can open them.

Theory of operation: only superblocks are read here, by pure parsers in the trusted process; nothing is
mounted. The result decides the driver (ext alone is opened by libext2fs; xfs, btrfs, LVM and RAID by the
appliance) and refuses what cannot be sealed from outside (Windows, encryption) before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.base.record import record
from guestwright.disk.partitions.probe import probe
from guestwright.disk.partitions.surface import Signature
from guestwright.disk.partitions.table import Partition, read_partitions
from guestwright.disk.window import Window
from guestwright.guestfs.errors import EncryptedGuest, HibernatedGuest, UnsupportedFilesystem, WindowsGuest
from guestwright.guestfs.port import Filesystem

EXT: Final = frozenset({"ext2", "ext3", "ext4"})
_APPLIANCE: Final = frozenset({"xfs", "btrfs", "LVM2_member", "linux_raid_member", "jfs", "reiserfs", "f2fs"})
_UNREADABLE: Final = frozenset({"zfs_member", "bcachefs"})
_WINDOWS: Final = frozenset({"ntfs", "BitLocker"})


@record(kw_only=False)
class Area:
    """A partition (or a whole bare disk), what it holds, and a window on its bytes."""

    disk: int
    partition: Partition
    signature: Signature
    device: BlockDevice

    @property
    def id(self) -> str:
        """The id of the filesystem in it: "disk0/p1", or "disk0" when there is no partition table."""
        return f"disk{self.disk}/p{self.partition.number}" if self.partition.number else f"disk{self.disk}"

    @property
    def filesystem(self) -> Filesystem:
        """What the rest of Guestwright sees of it."""
        return Filesystem(
            id=self.id,
            type=self.signature.type or "unknown",
            size=self.partition.size,
            uuid=self.signature.uuid,
            label=self.signature.label,
            part_uuid=self.partition.uuid,
            part_label=self.partition.label,
            disk=self.disk,
            partition=self.partition.number,
            mountable=self.signature.type in EXT,
        )


def read_areas(devices: Sequence[BlockDevice]) -> tuple[Area, ...]:
    """Find every partition and bare filesystem on the disks, in order.

    Args:
        devices: the machine's disks.

    Raises:
        PartitionTableInvalid: a partition table that contradicts itself (`guestwright.disk.errors`).
    """
    areas: list[Area] = []
    for index, device in enumerate(devices):
        for partition in read_partitions(device).partitions:
            window = Window(device, partition.start, partition.size)
            areas.append(Area(index, partition, probe(window), window))
    return tuple(areas)


def choose_driver(areas: Sequence[Area]) -> str:
    """Which driver opens these disks: "ext" or "appliance".

    Raises:
        WindowsGuest, EncryptedGuest, HibernatedGuest, UnsupportedFilesystem: cannot be sealed from outside.
    """
    types = {area.signature.type for area in areas}
    for area in areas:
        _refuse(area, linux=bool(types & (EXT | _APPLIANCE)))
    return "appliance" if types & _APPLIANCE else "ext"


def _refuse(area: Area, *, linux: bool) -> None:
    kind = area.signature.type
    if kind == "crypto_LUKS":
        raise EncryptedGuest(filesystem=area.id)
    if kind in _WINDOWS and not linux:
        raise WindowsGuest(filesystem=area.id)
    if kind == "swsuspend":
        raise HibernatedGuest(filesystem=area.id)
    if kind in _UNREADABLE:
        advice = "seal such a guest from inside before taking the template"
        raise UnsupportedFilesystem(filesystem=area.id, detail=f"{kind} is not supported", advice=advice)
