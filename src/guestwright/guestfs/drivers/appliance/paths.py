"""Inode numbers for a filesystem that is only known by paths.

Theory of operation: `Tree` works by inode number, libguestfs by path. So we remember, for every inode that
was met, the names it was met under; each is a path without symlinks below the filesystem's own mount point
in the appliance, and stays right until we remove it (nothing is ever renamed).

An inode number is the kernel's. Two exceptions, both btrfs: a nested subvolume is another device whose
numbers start again, so its device's index goes in front; and the stub of a subvolume inside a snapshot has
inode 2 everywhere (btrfs on-disk format: BTRFS_EMPTY_SUBVOL_DIR_OBJECTID), so each stub gets its own number.
"""

from __future__ import annotations

import stat
from typing import Final

from guestwright.guestfs.drivers.appliance.bindings import StatNS
from guestwright.guestfs.errors import NotFound, TooLarge
from guestwright.guestfs.port import FileKind, Stat

_LIMIT: Final = 4_000_000
_STUB: Final = 2
_DEVICE_SHIFT: Final = 64
_STUB_BASE: Final = 1 << 128
_KINDS: Final = {
    stat.S_IFREG: FileKind.FILE,
    stat.S_IFDIR: FileKind.DIRECTORY,
    stat.S_IFLNK: FileKind.SYMLINK,
    stat.S_IFCHR: FileKind.CHARACTER_DEVICE,
    stat.S_IFBLK: FileKind.BLOCK_DEVICE,
    stat.S_IFIFO: FileKind.FIFO,
    stat.S_IFSOCK: FileKind.SOCKET,
}


def kind_of(found: StatNS) -> FileKind:
    """What a mode says."""
    return _KINDS.get(stat.S_IFMT(found.mode), FileKind.UNKNOWN)


class Paths:
    """The names of inodes on one filesystem.

    Args:
        filesystem: its id.
        top: where it is mounted in the appliance.
        root: stat of `top`.
        btrfs: whether it is one.
    """

    def __init__(self, filesystem: str, top: str, root: StatNS, *, btrfs: bool) -> None:
        self._filesystem = filesystem
        self._btrfs = btrfs
        self._devices = {int(root.dev): 0}
        self._stubs: dict[str, int] = {}
        self._paths: dict[int, list[str]] = {}
        self.root = self.learn(top, root)

    def learn(self, path: str, found: StatNS) -> int:
        """Note that `path` names this inode.

        Returns:
            The inode's number here.

        Raises:
            TooLarge: more inodes than we are willing to remember.
        """
        number = self._number(path, found)
        names = self._paths.get(number)
        if names is None:
            if len(self._paths) >= _LIMIT:
                raise TooLarge(path="", size="the number of files", limit=_LIMIT)
            self._paths[number] = [path]
        elif path not in names:
            names.append(path)
        return number

    def forget(self, path: str, found: StatNS) -> None:
        """`path` was removed."""
        number = self._number(path, found)
        names = self._paths.get(number, [])
        if path in names:
            names.remove(path)
        if not names:
            self._paths.pop(number, None)

    def path(self, number: int) -> str:
        """A name of an inode.

        Raises:
            NotFound: all its names were removed.
        """
        names = self._paths.get(number)
        if not names:
            raise NotFound(path="")
        return names[0]

    def stat(self, number: int, found: StatNS) -> Stat:
        """An inode's attributes as the port has them."""
        return Stat(
            kind=kind_of(found),
            mode=stat.S_IMODE(found.mode),
            uid=found.uid,
            gid=found.gid,
            size=found.size,
            links=found.nlink,
            inode=number,
            filesystem=self._filesystem,
            mtime=found.mtime,
        )

    def _number(self, path: str, found: StatNS) -> int:
        if self._btrfs and found.ino == _STUB:
            return self._stubs.setdefault(path, _STUB_BASE + len(self._stubs))
        index = self._devices.setdefault(int(found.dev), len(self._devices))
        return (index << _DEVICE_SHIFT) | int(found.ino)
