"""The superblock: its numbers and feature bits (ext2_fs.h, "struct ext2_super_block"; kernel ext4 docs)."""

from __future__ import annotations

import struct
from typing import Final

from guestwright.base.record import record
from guestwright.guestfs.errors import Corrupt

OFFSET: Final = 1024
LENGTH: Final = 1024
MAGIC: Final = 0xEF53

COMPAT_HAS_JOURNAL: Final = 0x0004
INCOMPAT_FILETYPE: Final = 0x0002
INCOMPAT_EXTENTS: Final = 0x0040
INCOMPAT_64BIT: Final = 0x0080
INCOMPAT_MMP: Final = 0x0100
INCOMPAT_EA_INODE: Final = 0x0400
INCOMPAT_CSUM_SEED: Final = 0x2000
RO_COMPAT_METADATA_CSUM: Final = 0x0400
RO_COMPAT_BIGALLOC: Final = 0x0200
RO_COMPAT_QUOTA: Final = 0x0100
RO_COMPAT_PROJECT: Final = 0x2000

STATE_CLEAN: Final = 1
STATE_ERROR: Final = 2
STATE_ORPHANS: Final = 4

_HEAD: Final = struct.Struct("<7I")
_COUNTS: Final = struct.Struct("<II")


@record
class Superblock:
    """What the driver needs of a superblock. Counts are in blocks of `block_size` bytes and in inodes.

    Attributes:
        inodes, blocks: how many there are.
        block_size, inode_size: bytes.
        inodes_per_group: inodes in each block group.
        first_inode: the first that is not reserved.
        uuid: 16 bytes.
        checksum_seed: what checksums start from; None where that is derived from the UUID.
        compat, incompat, ro_compat: feature bits.
        state: STATE_ bits.
        last_orphan: head of the list of orphaned inodes, 0 when empty.
        journal_inode, journal_device: where the journal is; 0 each when there is none.
        mmp_block: block of the multiple mount protection.
    """

    inodes: int
    blocks: int
    first_data_block: int
    block_size: int
    inode_size: int
    inodes_per_group: int
    first_inode: int
    uuid: bytes
    checksum_seed: int | None
    compat: int
    incompat: int
    ro_compat: int
    state: int
    last_orphan: int
    journal_inode: int
    journal_device: int
    mmp_block: int

    @property
    def extents(self) -> bool:
        """Whether new files are mapped by extents."""
        return bool(self.incompat & INCOMPAT_EXTENTS)

    @property
    def filetype(self) -> bool:
        """Whether directory entries carry a type."""
        return bool(self.incompat & INCOMPAT_FILETYPE)

    @property
    def bigalloc(self) -> bool:
        """Whether blocks are allocated in clusters."""
        return bool(self.ro_compat & RO_COMPAT_BIGALLOC)

    @property
    def metadata_checksums(self) -> bool:
        """Whether inodes carry checksums."""
        return bool(self.ro_compat & RO_COMPAT_METADATA_CSUM)

    @property
    def ea_inode(self) -> bool:
        """Whether large attribute values live in inodes of their own."""
        return bool(self.incompat & INCOMPAT_EA_INODE)


def parse(raw: bytes, *, filesystem: str) -> Superblock:
    """Read a superblock.

    Args:
        raw: its 1024 bytes.
        filesystem: id, for the error.

    Raises:
        Corrupt: the magic number or a size is impossible.
    """
    if len(raw) < LENGTH or _u16(raw, 56) != MAGIC:
        raise Corrupt(filesystem=filesystem, detail="no ext2, ext3 or ext4 superblock at byte 1024")
    inodes, blocks, _, _, _, first_data_block, log_block_size = _HEAD.unpack_from(raw)
    dynamic = _u32(raw, 76) > 0
    inode_size = _u16(raw, 88) if dynamic else 128
    incompat = _u32(raw, 96) if dynamic else 0
    per_group = _u32(raw, 40)
    if (
        log_block_size > 6
        or not per_group
        or not 128 <= inode_size <= 1024 << log_block_size
        or inode_size & (inode_size - 1)
    ):
        raise Corrupt(filesystem=filesystem, detail="the superblock's numbers are impossible")
    if incompat & INCOMPAT_64BIT:
        blocks |= _u32(raw, 0x150) << 32
    return Superblock(
        inodes=inodes,
        blocks=blocks,
        first_data_block=first_data_block,
        block_size=1024 << log_block_size,
        inode_size=inode_size,
        inodes_per_group=per_group,
        uuid=bytes(raw[104:120]),
        checksum_seed=_u32(raw, 0x270) if incompat & INCOMPAT_CSUM_SEED else None,
        first_inode=_u32(raw, 84) if dynamic else 11,
        compat=_u32(raw, 92) if dynamic else 0,
        incompat=incompat,
        ro_compat=_u32(raw, 100) if dynamic else 0,
        state=_u16(raw, 58),
        last_orphan=_u32(raw, 232),
        journal_inode=_u32(raw, 224),
        journal_device=_u32(raw, 228),
        mmp_block=_u64(raw, 0x168),
    )


def free_counts(raw: bytes, *, wide: bool) -> tuple[int, int]:
    """Free blocks and free inodes.

    Args:
        raw: the superblock.
        wide: whether block counts have 64 bits.
    """
    blocks, inodes = _COUNTS.unpack_from(raw, 12)
    if wide:
        blocks |= _u32(raw, 0x158) << 32
    return blocks, inodes


def _u16(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 2], "little")


def _u32(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 4], "little")


def _u64(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 8], "little")
