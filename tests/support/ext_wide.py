"""A directory of very many empty files, made in seconds: mke2fs and debugfs would need quadratic time.

The blocks of the directory are written as the content of a file, the inodes into the inode tables; debugfs
turns the file into a directory, and e2fsck puts bitmaps, counts and types right.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tests.support.ext import assert_clean, make_image, run

BLOCK = 4096
FIRST = 20
_TAIL = 12  # room for a checksum, which tune2fs may add
_PLAIN = "^metadata_csum,^flex_bg,^64bit,^uninit_bg,^has_journal,^resize_inode,^dir_index"


def name_of(index: int) -> str:
    """Name of the file number `index`."""
    return f"session-{index:08x}"


def make_wide_image(folder: Path, count: int, *, indexed: bool, checksums: bool) -> Path:
    """A filesystem whose directory /big holds `count` empty files, each an inode of its own."""
    tree = folder / "wide-tree"
    tree.mkdir()
    (tree / "big").write_bytes(_directory(count))
    image = make_image(
        folder / "wide", "-t", "ext4", "-b", str(BLOCK), "-I", "256", "-N", str(count + 2000), "-O", _PLAIN,
        size="256M", tree=tree,
    )  # fmt: skip
    _write_inodes(image, count)
    for command in ("sif /big mode 040755", "sif /big links_count 2"):
        run("debugfs", "-w", "-R", command, str(image))
    run("e2fsck", "-fy", str(image), ok=(0, 1))
    if checksums:
        run("tune2fs", "-O", "metadata_csum", str(image))
    if indexed:
        run("tune2fs", "-O", "dir_index", str(image))
        run("e2fsck", "-fyD", str(image), ok=(0, 1))
    assert_clean(image)
    return image


def _directory(count: int) -> bytes:
    blocks = []
    block = _entry(12, b".", 12, 2) + _entry(2, b"..", 12, 2)
    last = 12
    for index in range(count):
        name = name_of(index).encode()
        length = 8 + (len(name) + 3 & ~3)
        if len(block) + length > BLOCK - _TAIL:
            blocks.append(_stretch(block, last))
            block = b""
        last = len(block)
        block += _entry(FIRST + index, name, length, 1)
    blocks.append(_stretch(block, last))
    return b"".join(blocks)


def _entry(inode: int, name: bytes, length: int, kind: int) -> bytes:
    return struct.pack("<IHBB", inode, length, len(name), kind) + name.ljust(length - 8, b"\0")


def _stretch(block: bytes, last: int) -> bytes:
    whole = bytearray(block.ljust(BLOCK, b"\0"))
    struct.pack_into("<H", whole, last + 4, BLOCK - last)
    return bytes(whole)


def _write_inodes(image: Path, count: int) -> None:
    with image.open("r+b") as disk:
        disk.seek(1024)
        block = disk.read(1024)
        per_group = struct.unpack_from("<I", block, 40)[0]
        raw = bytearray(256)
        struct.pack_into("<HHI4I2H", raw, 0, 0o100644, 0, 0, *[1_700_000_000] * 3, 0, 0, 1)
        struct.pack_into("<H", raw, 128, 32)
        number, stop = FIRST, FIRST + count
        while number < stop:
            group, index = divmod(number - 1, per_group)
            disk.seek(BLOCK + group * 32 + 8)
            table = struct.unpack("<I", disk.read(4))[0]
            some = min(stop - number, per_group - index)
            disk.seek(table * BLOCK + index * 256)
            disk.write(bytes(raw) * some)
            number += some
