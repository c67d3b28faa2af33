"""The ext driver: one ext2, ext3 or ext4 filesystem by inode number, over libext2fs."""

from __future__ import annotations

from collections.abc import Collection

from guestwright.base.block import BlockDevice
from guestwright.guestfs.drivers.ext import content, create, removal, xattr
from guestwright.guestfs.drivers.ext.cache import BlockCache
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import TYPE_MASK, Inode
from guestwright.guestfs.drivers.ext.reading import ExtReading
from guestwright.guestfs.port import Filesystem, Removed


def open_volume(device: BlockDevice, filesystem: Filesystem, *, now: int) -> ExtVolume:
    """Open a filesystem.

    Args:
        device: holds exactly the filesystem, from its first byte. Only `ExtVolume.sync` writes to it (and a
            scrub of more than 64 MiB).
        filesystem: what it is; `id` appears in errors and in every `Stat`.
        now: seconds since the epoch for all timestamps that change.

    Raises:
        UnsupportedFilesystem: features or a state that the driver cannot keep consistent; see `supported`.
        Corrupt: damaged, or not ext2, ext3 or ext4 at all.
        DriverMissing: libext2fs is not installed.
    """
    return ExtVolume(Handle(BlockCache(device), filesystem=filesystem.id, now=now), filesystem)


class ExtVolume(ExtReading):
    """One mounted filesystem; implements `guestwright.guestfs.volume.Volume`. Not for several threads."""

    def write(self, inode: int, data: bytes) -> None:
        """Replace the whole content of a regular file."""
        content.write(self._handle, content.writable_file(self._handle, inode), data)

    def truncate(self, inode: int, size: int, *, scrub: bool) -> None:
        """Cut a regular file; `scrub` zeroes what is cut off first."""
        content.truncate(self._handle, content.writable_file(self._handle, inode), size, scrub=scrub)

    def create(self, directory: int, name: str, data: bytes, *, mode: int, uid: int, gid: int) -> int:
        """Create a regular file; `AlreadyExists` when the name is taken."""
        return create.file(
            self._handle, self._directories, directory, name, data, mode=mode, uid=uid, gid=gid
        )

    def mkdir(self, directory: int, name: str, *, mode: int, uid: int, gid: int) -> int:
        """Create a directory; `AlreadyExists` when the name is taken."""
        return create.directory(self._handle, self._directories, directory, name, mode=mode, uid=uid, gid=gid)

    def symlink(self, directory: int, name: str, target: str) -> int:
        """Create a symlink (0777, owner 0:0); `AlreadyExists` when the name is taken."""
        return create.symlink(self._handle, self._directories, directory, name, target)

    def unlink(self, directory: int, names: Collection[str], *, scrub: bool) -> Removed:
        """Remove names that are not directories, all in one pass over the directory."""
        return removal.unlink(self._handle, self._directories, directory, names, scrub=scrub)

    def remove_tree(self, directory: int, name: str, *, scrub: bool) -> Removed:
        """Remove a directory and everything below it, without following symlinks."""
        return removal.remove_tree(self._handle, self._directories, directory, name, scrub=scrub)

    def chmod(self, inode: int, mode: int) -> None:
        """Set permission bits."""
        found = self._used(inode)
        found.set16(0, found.mode & TYPE_MASK | mode & 0o7777)
        self._changed(found)

    def chown(self, inode: int, uid: int, gid: int) -> None:
        """Set the owner."""
        found = self._used(inode)
        found.set_owner(uid, gid)
        self._changed(found)

    def set_xattr(self, inode: int, name: str, value: bytes) -> None:
        """Set one attribute."""
        self._used(inode)
        xattr.put(self._handle, inode, name.encode("utf-8", "surrogateescape"), value)

    def remove_xattr(self, inode: int, name: str) -> None:
        """Remove one attribute."""
        self._used(inode)
        xattr.drop(self._handle, inode, name.encode("utf-8", "surrogateescape"))

    def sync(self) -> None:
        """Write all that was changed to the block device."""
        self._handle.sync()

    def _changed(self, inode: Inode) -> None:
        inode.touch(self._handle.now, content=False)
        self._handle.write_inode(inode)
