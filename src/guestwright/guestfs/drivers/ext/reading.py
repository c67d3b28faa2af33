"""Looking at one ext filesystem by inode number; `volume` adds the changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from guestwright.guestfs.drivers.ext import content
from guestwright.guestfs.drivers.ext.directory import KINDS, Directories
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import TYPE_FILE, TYPE_MASK, Inode
from guestwright.guestfs.drivers.ext.xattr import INLINE_DATA, Attributes
from guestwright.guestfs.errors import WrongKind
from guestwright.guestfs.port import FileKind, Filesystem, Space, Stat
from guestwright.guestfs.volume import Link

ROOT: Final = 2  # EXT2_ROOT_INO


class ExtReading:
    """The half of `guestwright.guestfs.volume.Volume` that changes nothing.

    Args:
        handle: the opened filesystem.
        filesystem: what it is.

    Attributes:
        filesystem: as given.
        root: inode number of the root directory.
    """

    def __init__(self, handle: Handle, filesystem: Filesystem) -> None:
        self.filesystem = filesystem
        self.root = ROOT
        self._handle = handle
        self._directories = Directories(handle)

    def stat(self, inode: int) -> Stat:
        """The inode's attributes."""
        return self._handle.stat(inode)

    def lookup(self, directory: int, name: str) -> int:
        """Inode of a name in a directory."""
        return self._directories.lookup(directory, name)

    def entries(self, directory: int) -> Sequence[Link]:
        """All names in a directory, in the order of the disk, without "." and ".."."""
        return [
            Link(name, target, KINDS[kind] if kind < len(KINDS) else FileKind.UNKNOWN)
            for name, (target, kind) in self._directories.listing(directory).items()
        ]

    def readlink(self, inode: int) -> str:
        """Target of a symlink."""
        return content.target(self._handle, self._used(inode))

    def read(self, inode: int, *, limit: int) -> bytes:
        """Whole content of a regular file, or `TooLarge`."""
        found = self._used(inode)
        if found.mode & TYPE_MASK != TYPE_FILE:
            raise WrongKind(path="", found=found.kind, expected=FileKind.FILE)
        return content.read(self._handle, found, limit=limit)

    def xattrs(self, inode: int) -> Mapping[str, bytes]:
        """Extended attributes with full names."""
        with Attributes(self._handle, inode) as attributes:
            return {
                name.decode("utf-8", "surrogateescape"): attributes.get(name)
                for name in attributes.names()
                if name != INLINE_DATA
            }

    def space(self) -> Space:
        """Room on it."""
        blocks, inodes = self._handle.free_counts()
        size = self._handle.super.block_size
        return Space(total=self._handle.super.blocks * size, free=blocks * size, inodes_free=inodes)

    def close(self) -> None:
        """Release it; what was not synced is lost."""
        self._handle.close()

    def _used(self, number: int) -> Inode:
        inode = self._handle.inode(number)
        if inode.links == 0:
            raise self._handle.corrupt(f"inode {number} is not in use")
        return inode
