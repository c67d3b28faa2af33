"""One filesystem by inode number: the port beneath `tree.Tree`, which adds paths, symlinks and mounts.

Implemented by the ext driver over libext2fs and by the memory driver. Errors are those of
`guestwright.guestfs.errors` with an empty `path`; `Tree` puts the path in. A name that is not there is
`NotFound`. Names are `str` with undecodable bytes as lone surrogates, never "." or "..".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from guestwright.base.record import record
from guestwright.guestfs.port import FileKind, Filesystem, Removed, Space, Stat


@record(kw_only=False)
class Link:
    """A directory entry: the kind is what the directory says (UNKNOWN where it does not tell)."""

    name: str
    inode: int
    kind: FileKind


class Volume(Protocol):
    """One mounted filesystem."""

    @property
    def filesystem(self) -> Filesystem:
        """What it is."""

    @property
    def root(self) -> int:
        """Inode number of the root directory."""

    def stat(self, inode: int) -> Stat:
        """The inode's attributes."""

    def lookup(self, directory: int, name: str) -> int:
        """Inode of a name in a directory."""

    def entries(self, directory: int) -> Sequence[Link]:
        """All names in a directory, in any order, without "." and ".."."""

    def readlink(self, inode: int) -> str:
        """Target of a symlink."""

    def read(self, inode: int, *, limit: int) -> bytes:
        """Whole content of a regular file, or `TooLarge`."""

    def write(self, inode: int, data: bytes) -> None:
        """Replace the whole content of a regular file."""

    def truncate(self, inode: int, size: int, *, scrub: bool) -> None:
        """Cut a regular file; `scrub` zeroes what is cut off first."""

    def create(self, directory: int, name: str, data: bytes, *, mode: int, uid: int, gid: int) -> int:
        """Create a regular file; `AlreadyExists` when the name is taken."""

    def mkdir(self, directory: int, name: str, *, mode: int, uid: int, gid: int) -> int:
        """Create a directory; `AlreadyExists` when the name is taken."""

    def symlink(self, directory: int, name: str, target: str) -> int:
        """Create a symlink (0777, owner 0:0); `AlreadyExists` when the name is taken."""

    def unlink(self, directory: int, names: Collection[str], *, scrub: bool) -> Removed:
        """Remove names that are not directories, all in one pass over the directory (O(entries))."""

    def remove_tree(self, directory: int, name: str, *, scrub: bool) -> Removed:
        """Remove a directory and everything below it, without following symlinks; O(inodes) in all."""

    def chmod(self, inode: int, mode: int) -> None:
        """Set permission bits."""

    def chown(self, inode: int, uid: int, gid: int) -> None:
        """Set the owner."""

    def xattrs(self, inode: int) -> Mapping[str, bytes]:
        """Extended attributes with full names."""

    def set_xattr(self, inode: int, name: str, value: bytes) -> None:
        """Set one attribute."""

    def remove_xattr(self, inode: int, name: str) -> None:
        """Remove one attribute."""

    def space(self) -> Space:
        """Room on it."""

    def sync(self) -> None:
        """Write all that was changed to the block device."""

    def close(self) -> None:
        """Release it; what was not synced is lost."""
