"""What lies on a device: filesystems, swap and others, recognised by their superblocks. Pure; mounts nothing.

More than one signature can be there (a filesystem made over an old one). The order here decides: members of
something larger first, since a RAID 1 member looks like the filesystem on it; then what libblkid tries first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.disk.partitions import dosfs, filesystems, members
from guestwright.disk.partitions.surface import Signature, Surface

_PROBES: Final[tuple[Callable[[Surface], Signature | None], ...]] = (
    members.raid,
    members.lvm2,
    dosfs.bitlocker,
    members.luks,
    members.swap,
    filesystems.bcachefs,
    filesystems.xfs,
    filesystems.ext,
    filesystems.reiserfs,
    filesystems.jfs,
    dosfs.ntfs,
    dosfs.exfat,
    dosfs.vfat,
    filesystems.iso9660,
    filesystems.ufs,
    filesystems.btrfs,
    filesystems.squashfs,
    filesystems.f2fs,
    members.zfs,
)


def probe(device: BlockDevice) -> Signature:
    """Recognise what a device or partition holds.

    Args:
        device: only read; about 100 KiB of it.

    Returns:
        The signature; `type` is "" when nothing is recognised. All text is the guest's word.

    Raises:
        DiskError: the device cannot be read.
    """
    surface = Surface(device)
    return next((found for test in _PROBES if (found := test(surface)) is not None), Signature())
