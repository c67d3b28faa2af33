"""What is on the disks, as libguestfs names it and as Guestwright does.

| libguestfs              | id                    |
|-------------------------|-----------------------|
| /dev/sda                | disk0                 |
| /dev/sda2               | disk0/p2              |
| /dev/vg/lv              | lvm:vg/lv             |
| /dev/md127              | md:md127              |
| /dev/sda2, subvolume    | btrfs:disk0/p2:@home  |

The appliance's kernel finds its disks in any order. libguestfs turns its names into "/dev/sda is the first
disk" and back, but (seen with 1.48) not inside the "btrfsvol:/dev/sda2/@home" of `list_filesystems`, which
may then name another disk. So subvolumes are listed and mounted by device and subvolume id here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from guestwright.base.record import record, replace
from guestwright.guestfs.drivers.appliance.handle import CallFailed, Handle
from guestwright.guestfs.port import Filesystem

_BTRFS_VOLUME: Final = "btrfsvol:"
_UNMOUNTABLE: Final = frozenset({"", "unknown", "swap", "crypto_LUKS", "BitLocker", "zfs_member", "bcachefs"})
_MAX_SUBVOLUMES: Final = 10_000


@record
class Found:
    """A filesystem and how libguestfs gets at it.

    Attributes:
        filesystem: as the port shows it.
        device: the block device that it is on.
        options: for mounting it.
    """

    filesystem: Filesystem
    device: str
    options: str = "noatime"


def read_table(g: Handle, known: Mapping[str, Filesystem]) -> Sequence[Found]:
    """List all filesystems.

    Args:
        g: a launched appliance with nothing mounted.
        known: what the caller has read of the partitions already, by id; saves calls and has what libguestfs
            tells only slowly (UUIDs and names of partitions).

    Returns:
        In libguestfs' order: whole disks and partitions, RAID, LVM; subvolumes behind their filesystem.
    """
    names = {device: f"disk{index}" for index, device in enumerate(g.texts("list_devices"))}
    volumes = frozenset(g.texts("lvs"))
    found: list[Found] = []
    for device, kind in _devices(g, volumes):
        base, disk, partition = _name(device, names, volumes)
        plain = Filesystem(
            id=base,
            type=kind or "unknown",
            size=0,
            disk=disk,
            partition=partition,
            mountable=kind not in _UNMOUNTABLE and not kind.endswith("_member"),
        )
        whole = Found(filesystem=_described(g, plain, known.get(base), device), device=device)
        found.append(whole)
        if kind == "btrfs":
            found.extend(_subvolumes(g, whole))
    return found


def _devices(g: Handle, volumes: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Block devices that hold something, and what."""
    listed = g.texts("list_filesystems")
    kinds = dict(zip(listed[::2], listed[1::2], strict=True))
    plain = {device: kind for device, kind in kinds.items() if not device.startswith(_BTRFS_VOLUME)}
    yield from plain.items()
    if len(plain) == len(kinds):
        return
    # A btrfs whose default subvolume is not its top is listed by its subvolumes only.
    for device in (
        *g.texts("list_devices"),
        *g.texts("list_partitions"),
        *g.texts("list_md_devices"),
        *volumes,
    ):
        if device not in plain:
            with contextlib.suppress(CallFailed):
                if g.text("vfs_type", device) == "btrfs":
                    yield device, "btrfs"


def _subvolumes(g: Handle, whole: Found) -> Iterator[Found]:
    try:
        listed = g.subvolumes(whole.device)
    except CallFailed:
        return  # damaged: mounting it will say how
    for path, number in sorted(listed.items())[:_MAX_SUBVOLUMES]:
        filesystem = replace(whole.filesystem, id=f"btrfs:{whole.filesystem.id}:{path}")
        yield Found(filesystem=filesystem, device=whole.device, options=f"noatime,subvolid={number}")


def _described(g: Handle, plain: Filesystem, known: Filesystem | None, device: str) -> Filesystem:
    if known is not None:
        return replace(
            plain,
            size=known.size,
            uuid=known.uuid,
            label=known.label,
            part_uuid=known.part_uuid,
            part_label=known.part_label,
        )
    size, uuid, label = 0, "", ""
    with contextlib.suppress(CallFailed):  # an unknown content has none of them
        size = g.number("blockdev_getsize64", device)
        uuid = g.text("vfs_uuid", device)
        label = g.text("vfs_label", device)
    return replace(plain, size=size, uuid=uuid, label=label)


def _name(device: str, disks: Mapping[str, str], volumes: frozenset[str]) -> tuple[str, int, int]:
    """Id, disk and partition number of a block device."""
    if device in disks:
        return disks[device], int(disks[device].removeprefix("disk")), 0
    if device in volumes:
        return f"lvm:{device.removeprefix('/dev/')}", -1, -1
    for disk in sorted(disks, key=len, reverse=True):
        number = device.removeprefix(disk).removeprefix("p")
        if device.startswith(disk) and number.isascii() and number.isdigit():
            return f"{disks[disk]}/p{number}", int(disks[disk].removeprefix("disk")), int(number)
    name = device.removeprefix("/dev/")
    return f"md:{name.removeprefix('md/')}", -1, -1
