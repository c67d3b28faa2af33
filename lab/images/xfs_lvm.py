"""A Linux image as EL installs it: /boot on ext4, and xfs on LVM for the rest.

python -m lab.images.xfs_lvm out.img tree.tar
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab.images.guestfish import Disk, quoted, run

SIZE = 768 << 20
VOLUME = 133120 * 512
"""Byte where the physical volume starts."""
FSTAB = (
    "/dev/mapper/vg0-root / xfs defaults 0 0\\n"
    "LABEL=boot /boot ext4 defaults 0 0\\n"
    "/dev/mapper/vg0-swap none swap defaults 0 0\\n"
)


def commands(device: str, tar: Path) -> list[str]:
    """What makes the image on a device of the appliance.

    Args:
        device: "/dev/sda".
        tar: the tree; its etc/ must be there, and its etc/fstab is replaced.
    """
    return [
        f"part-init {device} gpt",
        f"part-add {device} p 2048 133119",
        f"part-add {device} p 133120 -2048",
        f"part-set-name {device} 1 boot",
        f"mkfs ext4 {device}1 label:boot",
        f"pvcreate {device}2",
        f"vgcreate vg0 {device}2",
        "lvcreate root vg0 512",
        "lvcreate swap vg0 64",
        "mkfs xfs /dev/vg0/root label:root",
        "mkswap /dev/vg0/swap label:swap",
        "mount /dev/vg0/root /",
        f"tar-in {quoted(tar)} / xattrs:true",
        "mkdir-p /boot",
        f"mount {device}1 /boot",
        "touch /boot/vmlinuz",
        f'write /etc/fstab "{FSTAB}"',
        "umount-all",
    ]


def build(path: Path, tar: Path) -> None:
    """Make the image from a tree in a tar file."""
    run([Disk(path=path, size=SIZE)], commands("/dev/sda", tar))


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
