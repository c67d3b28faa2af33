"""Makes a GPT disk of `lab.debian` start by itself in a PC with a BIOS: GRUB, without mounts or loop devices.

Theory of operation: boot.img goes into the first sector, around the partition table there, and knows by
number where the core begins; the core goes into the room between the GPT and the first partition, and its
first sector knows where the rest is. The core has the kernel's command line in it, and looks for the
partition by its UUID.

Source: GRUB 2.06, grub-core/boot/i386/pc/boot.S (`kernel_sector`, at 0x5c) and diskboot.S (`blocklist`, the
last 12 bytes: start, length, segment); util/mkimage.c.
"""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile

from lab import ext

_FIRST = 34  # sector behind the GPT
_END = 2048  # sector where the first partition begins
_SECTOR = 512
_KERNEL_SECTOR = 0x5C
_CODE = 440  # bytes of the first sector that are no partition table
_BLOCKLIST = struct.Struct("<QHH")
_MODULES = [
    "biosdisk",
    "part_gpt",
    "ext2",
    "search",
    "search_fs_uuid",
    "linux",
    "normal",
    "configfile",
    "echo",
]
_DIRECTORY = "/usr/lib/grub/i386-pc"
_CONFIG = """\
search.fs_uuid {uuid} root
linux /vmlinuz root=UUID={uuid} ro console=ttyS0 quiet {append}
initrd /initrd.img
boot
"""


def install(image: str, *, offset: int, append: str = "") -> None:
    """Make a raw image bootable.

    Args:
        image: path of a raw image with a GPT, whose first partition begins at 1 MiB.
        offset: byte where the root file system begins; /vmlinuz and /initrd.img are links in it.
        append: more for the kernel's command line.

    Raises:
        ext.ToolFailed: grub-mkimage failed.
        ValueError: the core does not fit.
    """
    core = bytearray(_core(ext.header(image, offset=offset)["Filesystem UUID"], append))
    sectors = -(-len(core) // _SECTOR)
    if _FIRST + sectors > _END:
        raise ValueError(f"GRUB's core has {sectors} sectors, and there are {_END - _FIRST}")
    _, length, segment = _BLOCKLIST.unpack_from(core, _SECTOR - _BLOCKLIST.size)
    _BLOCKLIST.pack_into(core, _SECTOR - _BLOCKLIST.size, _FIRST + 1, length, segment)
    with open(os.path.join(_DIRECTORY, "boot.img"), "rb") as stream:
        start = bytearray(stream.read(_CODE))
    struct.pack_into("<Q", start, _KERNEL_SECTOR, _FIRST)
    with open(image, "r+b") as disk:
        disk.write(start)
        disk.seek(_FIRST * _SECTOR)
        disk.write(core)


def _core(uuid: str, append: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="lab-grub-") as scratch:
        config, core = os.path.join(scratch, "config"), os.path.join(scratch, "core")
        with open(config, "w", encoding="ascii") as stream:
            stream.write(_CONFIG.format(uuid=uuid, append=append))
        argv = ["grub-mkimage", "-O", "i386-pc", "-p", "/", "-c", config, "-o", core, *_MODULES]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ext.ToolFailed(f"grub-mkimage: {done.stderr.strip()}")
        with open(core, "rb") as stream:
            return stream.read()
