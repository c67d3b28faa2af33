"""The inode as on the disk (ext2_fs.h, "struct ext2_inode_large"; kernel documentation, ext4/inodes)."""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from typing import Final

from guestwright.guestfs.port import FileKind, Stat

GOOD_OLD_SIZE: Final = 128
BLOCK_OFFSET: Final = 40
BLOCK_LENGTH: Final = 60

FLAG_INDEX: Final = 0x1000
FLAG_EXTENTS: Final = 0x80000
FLAG_VERITY: Final = 0x100000
FLAG_EA_INODE: Final = 0x200000
FLAG_INLINE_DATA: Final = 0x10000000
FLAG_PROJECT_INHERIT: Final = 0x20000000
FLAG_CASEFOLD: Final = 0x40000000

TYPE_MASK: Final = 0xF000
TYPE_DIRECTORY: Final = 0x4000
TYPE_FILE: Final = 0x8000
TYPE_SYMLINK: Final = 0xA000

_KINDS: Final = {
    0x1000: FileKind.FIFO,
    0x2000: FileKind.CHARACTER_DEVICE,
    TYPE_DIRECTORY: FileKind.DIRECTORY,
    0x6000: FileKind.BLOCK_DEVICE,
    TYPE_FILE: FileKind.FILE,
    TYPE_SYMLINK: FileKind.SYMLINK,
    0xC000: FileKind.SOCKET,
}

# mode uid size … mtime … gid links … size_high … uid_high gid_high, then … extra_isize … mtime_extra
_STAT: Final = struct.Struct("<HHI8xi4xHH80xI8xHH4x")
_STAT_LARGE: Final = struct.Struct("<HHI8xi4xHH80xI8xHH4xH6xI")
_MTIME_EXTRA: Final = 12
_U16: Final = struct.Struct("<H")
_U32: Final = struct.Struct("<I")

EXTENT_HEADER: Final = struct.pack("<HHHHI", 0xF30A, 0, 4, 0, 0)


class Inode:
    """One inode, in memory of its own; `Handle.write_inode` puts it back.

    Args:
        number: of the inode.
        raw: its bytes, as long as the filesystem's inodes; changed in place by the setters.

    """

    __slots__ = ("number", "raw")

    def __init__(self, number: int, raw: bytearray) -> None:
        self.number = number
        self.raw = raw

    @property
    def memory(self) -> ctypes.Array[ctypes.c_char]:
        """The same bytes, for C."""
        return _memory(len(self.raw)).from_buffer(self.raw)

    def get16(self, offset: int) -> int:
        """The 16-bit number at a byte offset."""
        value: int = _U16.unpack_from(self.raw, offset)[0]
        return value

    def get32(self, offset: int) -> int:
        """The 32-bit number at a byte offset."""
        value: int = _U32.unpack_from(self.raw, offset)[0]
        return value

    def set16(self, offset: int, value: int) -> None:
        """Store a 16-bit number at a byte offset."""
        _U16.pack_into(self.raw, offset, value & 0xFFFF)

    def set32(self, offset: int, value: int) -> None:
        """Store a 32-bit number at a byte offset."""
        _U32.pack_into(self.raw, offset, value & 0xFFFFFFFF)

    @property
    def mode(self) -> int:
        """Type and permission bits."""
        return self.get16(0)

    @property
    def kind(self) -> FileKind:
        """What it is."""
        return _KINDS.get(self.mode & TYPE_MASK, FileKind.UNKNOWN)

    @property
    def links(self) -> int:
        """Hard link count as stored."""
        return self.get16(26)

    @property
    def flags(self) -> int:
        """Flag bits."""
        return self.get32(32)

    @property
    def size(self) -> int:
        """Length in bytes. Only files have the high half; elsewhere these bytes meant something else once."""
        size = self.get32(4)
        return size | self.get32(108) << 32 if self.mode & TYPE_MASK == TYPE_FILE else size

    @property
    def acl_block(self) -> int:
        """Block of extended attributes, 0 for none."""
        return self.get32(104) | self.get16(118) << 32

    @property
    def block(self) -> bytes:
        """The 60 bytes of block map, extent root, inline data or fast symlink."""
        return bytes(self.raw[BLOCK_OFFSET : BLOCK_OFFSET + BLOCK_LENGTH])

    @property
    def extra(self) -> int:
        """How many bytes of fields follow the first 128."""
        return self.get16(128) if len(self.raw) > GOOD_OLD_SIZE else 0

    def set_size(self, size: int) -> None:
        """Store the length of a regular file."""
        self.set32(4, size)
        self.set32(108, size >> 32)

    def set_block(self, data: bytes) -> None:
        """Store up to 60 bytes of block map or inline data, padded with zeros."""
        self.raw[BLOCK_OFFSET : BLOCK_OFFSET + BLOCK_LENGTH] = data.ljust(BLOCK_LENGTH, b"\0")

    def set_owner(self, uid: int, gid: int) -> None:
        """Store 32-bit owner ids."""
        self.set16(2, uid)
        self.set16(24, gid)
        self.set16(120, uid >> 16)
        self.set16(122, gid >> 16)

    def touch(self, now: int, *, content: bool) -> None:
        """Set ctime, and with `content` mtime, to `now` seconds since the epoch."""
        epoch = (now + 0x80000000) >> 32 & 3
        self.set32(12, now)
        if self.extra >= 8:
            self.set32(132, epoch)
        if content:
            self.set32(16, now)
            if self.extra >= 12:
                self.set32(136, epoch)


def parse_stat(raw: bytes | bytearray, number: int, filesystem: str) -> Stat:
    """What lstat tells of an inode.

    Args:
        raw: the inode, 128 bytes or more.
        number: of the inode.
        filesystem: id to put in.
    """
    extra = epoch = 0
    if len(raw) > GOOD_OLD_SIZE:
        mode, uid, size, mtime, gid, links, high, uid_high, gid_high, extra, epoch = _STAT_LARGE.unpack_from(
            raw
        )
    else:
        mode, uid, size, mtime, gid, links, high, uid_high, gid_high = _STAT.unpack_from(raw)
    kind = _KINDS.get(mode & TYPE_MASK, FileKind.UNKNOWN)
    return Stat(
        kind=kind,
        mode=mode & 0o7777,
        uid=uid | uid_high << 16,
        gid=gid | gid_high << 16,
        size=size | high << 32 if kind is FileKind.FILE else size,
        links=links,
        inode=number,
        filesystem=filesystem,
        mtime=mtime + ((epoch & 3) << 32) if extra >= _MTIME_EXTRA else mtime,
    )


@cache
def _memory(size: int) -> type[ctypes.Array[ctypes.c_char]]:
    return ctypes.c_char * size
