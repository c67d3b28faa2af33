"""An open filesystem: the library's pointer, our I/O bridge, and the calls that all else is made of."""

from __future__ import annotations

import ctypes
import struct
from typing import Final

from guestwright.guestfs.drivers.ext import bindings, codes, supported
from guestwright.guestfs.drivers.ext import superblock as sb
from guestwright.guestfs.drivers.ext.cache import BlockCache
from guestwright.guestfs.drivers.ext.inode import TYPE_DIRECTORY, TYPE_MASK, Inode, parse_stat
from guestwright.guestfs.drivers.ext.io_manager import IoBridge
from guestwright.guestfs.drivers.ext.table import InodeTable
from guestwright.guestfs.errors import Corrupt, DriverMissing
from guestwright.guestfs.port import Stat

_MODE: Final = struct.Struct("<H")
_OPEN_FLAGS: Final = bindings.OPEN_WRITABLE | bindings.OPEN_64BIT_BITMAPS | bindings.OPEN_SKIP_MMP


class Handle:
    """One filesystem, opened.

    Args:
        cache: of its device.
        filesystem: its id, for errors.
        now: seconds since the epoch that every changed timestamp gets.

    Raises:
        UnsupportedFilesystem, Corrupt: see `supported.check`; or libext2fs cannot open it.
        DriverMissing: libext2fs is not there or is not the one we know.
    """

    def __init__(self, cache: BlockCache, *, filesystem: str, now: int) -> None:
        self.id = filesystem
        self.now = now
        self.cache = cache
        self.super = self._read_super()
        # e2fsck takes a deletion time below the number of inodes for a link in the list of orphans.
        self.deletion_time = max(now, self.super.inodes + 1)
        self.library = bindings.load()
        self.bridge = IoBridge(cache)
        self.fs = bindings.FilsysPointer()
        self.changed = False
        self.closed = True
        self._bitmaps = False
        self.check(
            self.library.ext2fs_open2(
                b"guestwright", None, _OPEN_FLAGS, 0, 0, self.bridge.manager, ctypes.byref(self.fs)
            ),
            "opening",
        )
        self.closed = False
        self._check_layout()
        self._table = InodeTable(self.library, self.fs, cache, self.super, filesystem=filesystem)
        # Zero would mean "ask the clock" to libext2fs.
        self.fs.contents.now = max(now, 1)

    def check(self, code: int, doing: str) -> None:
        """Raise what a call into the library failed with; an exception of the device goes first."""
        self.bridge.raise_pending()
        if code:
            raise codes.as_error(code, filesystem=self.id, doing=doing)

    def corrupt(self, detail: str) -> Corrupt:
        """An error to raise: the filesystem contradicts itself."""
        return Corrupt(filesystem=self.id, detail=detail)

    def inode(self, number: int) -> Inode:
        """Read an inode.

        Raises:
            Corrupt: no such number, or its checksum is wrong.
        """
        return Inode(number, bytearray(self._table.read(number)))

    def stat(self, number: int) -> Stat:
        """What lstat tells of an inode in use.

        Raises:
            Corrupt: no such number, its checksum is wrong, or it has no links.
        """
        stat = parse_stat(self._table.read(number), number, self.id)
        if not stat.links:
            raise self.corrupt(f"inode {number} is not in use")
        return stat

    def is_directory(self, number: int) -> bool:
        """Whether an inode, in use or not, says that it is a directory."""
        mode: int = _MODE.unpack_from(self._table.read(number))[0]
        return mode & TYPE_MASK == TYPE_DIRECTORY

    def write_inode(self, inode: Inode) -> None:
        """Write an inode back, with its checksum."""
        self.changed = True
        self._table.write(inode.number, inode.raw)

    def begin_allocation(self) -> None:
        """Make sure that the bitmaps are there; before anything is allocated or freed."""
        self.changed = True
        if not self._bitmaps:
            self.check(self.library.ext2fs_read_bitmaps(self.fs), "reading the bitmaps")
            self._bitmaps = True

    def block_bytes(self, block: int, count: int = 1) -> bytes:
        """Content of `count` blocks from `block`.

        Raises:
            Corrupt: they are not all inside the filesystem.
        """
        self.check_range(block, count)
        size = self.super.block_size
        return self.cache.read(block * size, count * size)

    def check_range(self, block: int, count: int) -> None:
        """Refuse blocks outside the filesystem.

        Raises:
            Corrupt: they are.
        """
        if block < max(1, self.super.first_data_block) or block + count > self.super.blocks:
            raise self.corrupt(f"blocks {block} to {block + count - 1} are outside of it")

    def free_counts(self) -> tuple[int, int]:
        """Free blocks and free inodes."""
        raw = ctypes.string_at(self.fs.contents.super, sb.LENGTH)
        return sb.free_counts(raw, wide=bool(self.super.incompat & sb.INCOMPAT_64BIT))

    def sync(self) -> None:
        """Write all changes to the device and flush it. Does nothing when nothing was changed."""
        if not self.changed:
            return
        self.check(self.library.ext2fs_flush(self.fs), "writing back")
        self.cache.flush()
        self.cache.flush_device()
        self.changed = False

    def close(self) -> None:
        """Free the library's memory; writes nothing. May be called twice."""
        if not self.closed:
            self.closed = True
            self.library.ext2fs_free(self.fs)

    def _read_super(self) -> sb.Superblock:
        if self.cache.size < sb.OFFSET + sb.LENGTH:
            raise self.corrupt("its device is too small for a superblock")
        block = sb.parse(self.cache.read(sb.OFFSET, sb.LENGTH), filesystem=self.id)
        supported.check(block, device_size=self.cache.size, filesystem=self.id)
        if block.incompat & sb.INCOMPAT_MMP:
            if not 0 < block.mmp_block < block.blocks:
                raise self.corrupt("its multiple mount protection block is outside of it")
            raw = self.cache.read(block.mmp_block * block.block_size, block.block_size)
            supported.check_mmp(raw, filesystem=self.id)
        return block

    def _check_layout(self) -> None:
        head = self.fs.contents
        if head.magic != bindings.MAGIC_FILSYS or head.blocksize != self.super.block_size or not head.super:
            self.close()
            raise DriverMissing(
                driver="ext",
                needs=f"a {bindings.LIBRARY} with the structure layout of e2fsprogs 1.42 to 1.47",
                advice="use the appliance driver",
            )
