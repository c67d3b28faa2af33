"""A Linux image as openSUSE and Fedora install it: btrfs with the subvolumes @ and @home.

python -m lab.images.btrfs out.img tree.tar
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab.images.guestfish import Disk, quoted, run

SIZE = 320 << 20
FSTAB = "LABEL=system / btrfs subvol=@ 0 0\\nLABEL=system /home btrfs noatime,subvol=/@home 0 0\\n"


def commands(device: str, tar: Path) -> list[str]:
    """What makes the image on a device of the appliance.

    Args:
        device: "/dev/sda".
        tar: the tree; its etc/ must be there, and its etc/fstab is replaced.
    """
    return [
        f"part-disk {device} gpt",
        f"mkfs-btrfs {device}1 label:system",
        f"mount {device}1 /",
        "btrfs-subvolume-create /@",
        "btrfs-subvolume-create /@home",
        "umount-all",
        f"mount-options subvol=@ {device}1 /",
        "mkdir-p /home",
        f"mount-options subvol=@home {device}1 /home",
        f"tar-in {quoted(tar)} / xattrs:true",
        f'write /etc/fstab "{FSTAB}"',
        "umount-all",
    ]


def build(path: Path, tar: Path) -> None:
    """Make the image from a tree in a tar file."""
    run([Disk(path=path, size=SIZE)], commands("/dev/sda", tar))


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
