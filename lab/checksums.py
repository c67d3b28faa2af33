"""Makes ext4's metadata checksums right again after somebody changed a block, as a careful attacker would.

Source: Documentation/filesystems/ext4/checksums.rst and lib/ext2fs/csum.c of e2fsprogs. Not covered: the
index blocks of hashed directories and orphan files.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_POLYNOMIAL = 0x82F63B78
_START = 0xFFFFFFFF
_METADATA_CSUM = 0x400
_CSUM_SEED = 0x2000
_64BIT = 0x80
_EXTENT_MAGIC = 0xF30A


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


def crc32c(data: bytes | bytearray | memoryview, seed: int = _START) -> int:
    """CRC-32C without the final inversion, as ext4 uses it."""
    for byte in data:
        seed = (seed >> 8) ^ _TABLE[(seed ^ byte) & 0xFF]
    return seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things are in an ext filesystem, out of its superblock; offsets in bytes."""

    block: int
    blocks: int
    inodes: int
    per_group: int
    inode_size: int
    desc_size: int
    first_data_block: int
    clusters_per_group: int
    checksums: bool
    seed: int

    def inode_offset(self, image: bytes | bytearray, inode: int) -> int:
        """Byte where an inode lies."""
        group, index = divmod(inode - 1, self.per_group)
        return self.table(image, group) * self.block + index * self.inode_size

    def descriptor(self, group: int) -> int:
        """Byte where a group descriptor lies (not for meta_bg)."""
        first = 1 if self.block == 1024 else self.first_data_block  # bigalloc with 1 KiB blocks starts at 0
        return (first + 1) * self.block + group * self.desc_size

    def table(self, image: bytes | bytearray, group: int) -> int:
        """First block of a group's inode table."""
        return int(struct.unpack_from("<I", image, self.descriptor(group) + 8)[0])


def layout(image: bytes | bytearray) -> Layout:
    """Read the superblock at byte 1024."""
    (inodes, blocks), (log,) = (
        struct.unpack_from("<II", image, 1024),
        struct.unpack_from("<I", image, 1024 + 24),
    )
    (first,) = struct.unpack_from("<I", image, 1024 + 20)
    _blocks_per_group, clusters_per_group, per_group = struct.unpack_from("<III", image, 1024 + 32)
    (inode_size,) = struct.unpack_from("<H", image, 1024 + 88)
    incompat, ro_compat = struct.unpack_from("<II", image, 1024 + 96)
    (desc,) = struct.unpack_from("<H", image, 1024 + 0xFE)
    if incompat & _CSUM_SEED:
        (seed,) = struct.unpack_from("<I", image, 1024 + 0x270)
    else:
        seed = crc32c(image[1024 + 104 : 1024 + 120])
    return Layout(
        block=1024 << log,
        blocks=blocks,
        inodes=inodes,
        per_group=per_group,
        inode_size=inode_size or 128,
        desc_size=desc if incompat & _64BIT else 32,
        first_data_block=first,
        clusters_per_group=clusters_per_group,
        checksums=bool(ro_compat & _METADATA_CSUM),
        seed=seed,
    )


def fix_superblock(image: bytearray) -> None:
    """The primary superblock's own checksum."""
    struct.pack_into("<I", image, 1024 + 1020, crc32c(image[1024 : 1024 + 1020]))


def fix_descriptor(image: bytearray, where: Layout, group: int) -> None:
    """A group descriptor's checksum."""
    at = where.descriptor(group)
    value = crc32c(struct.pack("<I", group), where.seed)
    value = crc32c(image[at : at + 0x1E] + b"\0\0" + image[at + 0x20 : at + where.desc_size], value)
    struct.pack_into("<H", image, at + 0x1E, value & 0xFFFF)


def inode_seed(image: bytes | bytearray, where: Layout, inode: int) -> int:
    """What the checksums of an inode and of its blocks start from."""
    at = where.inode_offset(image, inode)
    return crc32c(image[at + 0x64 : at + 0x68], crc32c(struct.pack("<I", inode), where.seed))


def fix_inode(image: bytearray, where: Layout, inode: int) -> None:
    """An inode's checksum."""
    at = where.inode_offset(image, inode)
    raw = bytearray(image[at : at + where.inode_size])
    raw[0x7C:0x7E] = b"\0\0"
    wide = where.inode_size > 128 and struct.unpack_from("<H", raw, 0x80)[0] >= 4
    if wide:
        raw[0x82:0x84] = b"\0\0"
    value = crc32c(raw, inode_seed(image, where, inode))
    struct.pack_into("<H", image, at + 0x7C, value & 0xFFFF)
    if wide:
        struct.pack_into("<H", image, at + 0x82, value >> 16)


def fix_directory(image: bytearray, where: Layout, block: int, inode: int) -> None:
    """The tail of a linear directory block; a block without one is left alone."""
    at = block * where.block
    end = at + where.block
    if image[end - 12 : end - 4] == b"\0\0\0\0\x0c\0\0\xde":
        struct.pack_into("<I", image, end - 4, crc32c(image[at : end - 12], inode_seed(image, where, inode)))


def fix_extents(image: bytearray, where: Layout, block: int, inode: int) -> None:
    """The tail of an extent tree block; nonsense that has no room for one is left alone."""
    at = block * where.block
    magic, _entries, room = struct.unpack_from("<HHH", image, at)
    tail = 12 + 12 * room
    if magic == _EXTENT_MAGIC and tail + 4 <= where.block:
        struct.pack_into(
            "<I", image, at + tail, crc32c(image[at : at + tail], inode_seed(image, where, inode))
        )


def fix_xattr(image: bytearray, where: Layout, block: int) -> None:
    """The checksum of an attribute block."""
    at = block * where.block
    struct.pack_into("<I", image, at + 0x10, 0)
    value = crc32c(image[at : at + where.block], crc32c(struct.pack("<Q", block), where.seed))
    struct.pack_into("<I", image, at + 0x10, value)


def fix_bitmaps(image: bytearray, where: Layout, group: int) -> None:
    """The checksums of a group's two bitmaps, and of the descriptor that holds them."""
    at = where.descriptor(group)
    for place, bits, low, high in (
        (0, where.clusters_per_group, 0x18, 0x38),
        (4, where.per_group, 0x1A, 0x3A),
    ):
        (block,) = struct.unpack_from("<I", image, at + place)
        value = crc32c(image[block * where.block : block * where.block + bits // 8], where.seed)
        struct.pack_into("<H", image, at + low, value & 0xFFFF)
        if where.desc_size >= 64:
            struct.pack_into("<H", image, at + high, value >> 16)
    fix_descriptor(image, where, group)
