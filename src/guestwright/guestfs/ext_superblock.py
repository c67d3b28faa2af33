"""The superblock of ext2, ext3 and ext4. Pure, but for one read of the device.

Facts: Linux, Documentation/filesystems/ext4/super.rst (offsets, features, limits); e2fsprogs,
lib/ext2fs/ext2_fs.h (names of the features). All fields are little-endian.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from guestwright.base.block import BlockDevice
from guestwright.guestfs.errors import Corrupt

OFFSET: Final = 1024
SIZE: Final = 1024
MAGIC: Final = 0xEF53


class Compat:
    """Features that a kernel may ignore."""

    DIR_PREALLOC = 0x1
    IMAGIC_INODES = 0x2
    HAS_JOURNAL = 0x4
    EXT_ATTR = 0x8
    RESIZE_INODE = 0x10
    DIR_INDEX = 0x20
    SPARSE_SUPER2 = 0x200
    FAST_COMMIT = 0x400
    STABLE_INODES = 0x800
    ORPHAN_FILE = 0x1000


class Incompat:
    """Features that must be known to read the filesystem."""

    COMPRESSION = 0x1
    FILETYPE = 0x2
    RECOVER = 0x4
    JOURNAL_DEV = 0x8
    META_BG = 0x10
    EXTENTS = 0x40
    BIT64 = 0x80
    MMP = 0x100
    FLEX_BG = 0x200
    EA_INODE = 0x400
    DIRDATA = 0x1000
    CSUM_SEED = 0x2000
    LARGEDIR = 0x4000
    INLINE_DATA = 0x8000
    ENCRYPT = 0x10000
    CASEFOLD = 0x20000


class RoCompat:
    """Features that must be known to write to the filesystem."""

    SPARSE_SUPER = 0x1
    LARGE_FILE = 0x2
    BTREE_DIR = 0x4
    HUGE_FILE = 0x8
    GDT_CSUM = 0x10
    DIR_NLINK = 0x20
    EXTRA_ISIZE = 0x40
    HAS_SNAPSHOT = 0x80
    QUOTA = 0x100
    BIGALLOC = 0x200
    METADATA_CSUM = 0x400
    REPLICA = 0x800
    READONLY = 0x1000
    PROJECT = 0x2000
    SHARED_BLOCKS = 0x4000
    VERITY = 0x8000
    ORPHAN_PRESENT = 0x10000


class State:
    """`s_state`."""

    VALID = 0x1
    ERROR = 0x2
    ORPHANS = 0x4
    FAST_COMMIT_REPLAY = 0x20


class ExtSuperblock(NamedTuple):
    """What the superblock says, checked for sense.

    Attributes:
        block_size: bytes, 1024 to 65536.
        blocks, free_blocks: counts, in blocks.
        inodes, free_inodes: counts.
        blocks_per_group, inodes_per_group: sizes of a block group.
        inode_size: bytes.
        compat, incompat, ro_compat: features; unknown bits are kept.
        state: see `State`.
        last_orphan: head of the list of orphan inodes; 0 when there is none.
        mount_time, check_time: last mount and last full check, seconds since the epoch.
        uuid: lower case with hyphens; "" when it is all zero.
        label: undecodable bytes are lone surrogates.
        mmp_interval: seconds; 0 without multiple mount protection.
        mmp_block: block of the protection's sequence number; 0 without.
    """

    block_size: int
    blocks: int
    free_blocks: int
    inodes: int
    free_inodes: int
    blocks_per_group: int
    inodes_per_group: int
    inode_size: int
    compat: int
    incompat: int
    ro_compat: int
    state: int
    last_orphan: int
    mount_time: int
    check_time: int
    uuid: str
    label: str
    mmp_interval: int
    mmp_block: int

    @property
    def type(self) -> str:
        """The name that blkid gives it: "ext4" with any of its features, "ext3" with a journal, "ext2"."""
        if self.incompat & ~_EXT3_INCOMPAT or self.ro_compat & ~_EXT3_RO_COMPAT:
            return "ext4"
        return "ext3" if self.compat & Compat.HAS_JOURNAL else "ext2"

    @property
    def size(self) -> int:
        """Bytes that the filesystem occupies."""
        return self.blocks * self.block_size

    @property
    def needs_recovery(self) -> bool:
        """Whether the journal holds transactions that are not in place yet."""
        return bool(self.incompat & Incompat.RECOVER)

    @property
    def has_orphans(self) -> bool:
        """Whether inodes were left half deleted or half truncated."""
        return self.last_orphan != 0 or bool(self.ro_compat & RoCompat.ORPHAN_PRESENT)

    @property
    def is_unfinished(self) -> bool:
        """Whether a crashed guest left something to finish."""
        return self.needs_recovery or self.has_orphans

    @property
    def is_clean(self) -> bool:
        """Whether it was unmounted properly and no error was ever noted."""
        return self.state & (State.VALID | State.ERROR) == State.VALID

    @property
    def freshly_checked(self) -> bool:
        """Whether it is clean and was fully checked since the last mount, which tune2fs may want."""
        return self.is_clean and self.check_time >= self.mount_time


_EXT3_INCOMPAT: Final = Incompat.FILETYPE | Incompat.RECOVER | Incompat.META_BG
_EXT3_RO_COMPAT: Final = RoCompat.SPARSE_SUPER | RoCompat.LARGE_FILE | RoCompat.BTREE_DIR


def read_superblock(device: BlockDevice, *, name: str) -> ExtSuperblock:
    """Read and parse the primary superblock of a device.

    Args:
        device: a whole filesystem.
        name: its `Filesystem.id`, for errors.

    Raises:
        Corrupt: no superblock there, or an impossible one.
    """
    if device.size < OFFSET + SIZE:
        raise Corrupt(filesystem=name, detail=f"{device.size} bytes are too few for an ext superblock")
    superblock = parse_superblock(device.read(OFFSET, SIZE), name=name)
    if superblock.size > device.size:
        raise Corrupt(
            filesystem=name,
            detail=f"it says that it has {superblock.size} bytes, but lies on {device.size}",
        )
    return superblock


def parse_superblock(raw: bytes, *, name: str) -> ExtSuperblock:
    """Parse 1024 bytes.

    Raises:
        Corrupt: wrong magic, or numbers that cannot be.
    """
    if len(raw) != SIZE or _u16(raw, 0x38) != MAGIC:
        raise Corrupt(filesystem=name, detail="no ext superblock (magic number 0xEF53 at byte 1080)")
    incompat = _u32(raw, 0x60)
    wide = bool(incompat & Incompat.BIT64)
    dynamic = _u32(raw, 0x4C) >= 1  # revision 0 has no feature words and 128-byte inodes
    shift = _u32(raw, 0x18)
    superblock = ExtSuperblock(
        block_size=1024 << min(shift, 63),
        blocks=_u32(raw, 0x4) | (_u32(raw, 0x150) << 32 if wide else 0),
        free_blocks=_u32(raw, 0xC) | (_u32(raw, 0x158) << 32 if wide else 0),
        inodes=_u32(raw, 0x0),
        free_inodes=_u32(raw, 0x10),
        blocks_per_group=_u32(raw, 0x20),
        inodes_per_group=_u32(raw, 0x28),
        inode_size=_u16(raw, 0x58) if dynamic else 128,
        compat=_u32(raw, 0x5C),
        incompat=incompat,
        ro_compat=_u32(raw, 0x64),
        state=_u16(raw, 0x3A),
        last_orphan=_u32(raw, 0xE8),
        mount_time=_u32(raw, 0x2C),
        check_time=_u32(raw, 0x40),
        uuid=_uuid(raw[0x68:0x78]),
        label=raw[0x78:0x88].split(b"\0", 1)[0].decode("utf-8", "surrogateescape"),
        mmp_interval=_u16(raw, 0x166) if incompat & Incompat.MMP else 0,
        mmp_block=struct.unpack_from("<Q", raw, 0x168)[0] if incompat & Incompat.MMP else 0,
    )
    if problem := _nonsense(superblock):
        raise Corrupt(filesystem=name, detail=f"the superblock is nonsense: {problem}")
    return superblock


def _nonsense(sb: ExtSuperblock) -> str:
    bits = sb.block_size * 8
    if sb.block_size > 65536:
        return "block size over 65536"
    if not 128 <= sb.inode_size <= sb.block_size or sb.inode_size & (sb.inode_size - 1):
        return f"inode size {sb.inode_size}"
    # A group has one block of each bitmap; with bigalloc one bit stands for up to 2^16 blocks.
    if not 8 <= sb.inodes_per_group <= bits:
        return f"{sb.inodes_per_group} inodes per group"
    limit = bits << 16 if sb.ro_compat & RoCompat.BIGALLOC else bits
    if not 8 <= sb.blocks_per_group <= limit:
        return f"{sb.blocks_per_group} blocks per group"
    groups = -(-sb.blocks // sb.blocks_per_group)
    if sb.blocks < 8 or not 0 < sb.inodes <= groups * sb.inodes_per_group:
        return f"{sb.blocks} blocks with {sb.inodes} inodes"
    return ""


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    if not any(raw):
        return ""
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _u16(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 2], "little")


def _u32(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 4], "little")
