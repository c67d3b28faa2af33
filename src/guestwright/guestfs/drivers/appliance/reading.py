"""The half of an appliance volume that looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from guestwright.guestfs.drivers.appliance.bindings import StatNS
from guestwright.guestfs.drivers.appliance.codes import on
from guestwright.guestfs.drivers.appliance.paths import Paths, kind_of
from guestwright.guestfs.drivers.appliance.session import Session
from guestwright.guestfs.errors import Corrupt, NotFound, TooLarge, WrongKind
from guestwright.guestfs.port import FileKind, Filesystem, Space, Stat
from guestwright.guestfs.volume import Link

CHUNK: Final = 1 << 20  # libguestfs messages hold 4 MiB (GUESTFS_MESSAGE_MAX)
_MAX_ENTRIES: Final = 1_000_000
_BYTES_PER_INODE: Final = 16384


class ReadVolume:
    """A filesystem in the appliance; see `Volume` for each method.

    One listing brings the attributes of all its entries with it; they are kept until they are asked for
    (once: the layer above remembers them) or anything changes.

    Args:
        session: the appliance.
        filesystem: what to mount.
    """

    def __init__(self, session: Session, filesystem: Filesystem) -> None:
        self._session = session
        self.filesystem = filesystem
        self._on = on(filesystem.id)
        self._top = session.mount(filesystem.id)
        self._ready: dict[int, Stat] = {}
        self.forget()

    def forget(self) -> None:
        """Somebody else may have changed it."""
        self._ready.clear()
        self._paths = Paths(
            self.filesystem.id, self._top, self._lstat(self._top), btrfs=self.filesystem.type == "btrfs"
        )

    @property
    def root(self) -> int:
        """Inode number of the root directory."""
        return self._paths.root

    def stat(self, inode: int) -> Stat:
        """The inode's attributes."""
        ready = self._ready.pop(inode, None)
        if ready is not None:
            return ready
        return self._paths.stat(inode, self._lstat(self._paths.path(inode)))

    def lookup(self, directory: int, name: str) -> int:
        """Inode of a name in a directory."""
        path = self._join(directory, name)
        found = self._lstat(path)
        inode = self._paths.learn(path, found)
        self._ready[inode] = self._paths.stat(inode, found)
        return inode

    def entries(self, directory: int) -> Sequence[Link]:
        """All names in a directory."""
        links = []
        for name, path, found in self._scan(self._paths.path(directory)):
            inode = self._paths.learn(path, found)
            self._ready[inode] = self._paths.stat(inode, found)
            links.append(Link(name, inode, kind_of(found)))
        return links

    def readlink(self, inode: int) -> str:
        """Target of a symlink."""
        with self._on:
            return self._session.g.text("readlink", self._paths.path(inode))

    def read(self, inode: int, *, limit: int) -> bytes:
        """Whole content of a regular file."""
        path, found = self._file(inode)
        if found.size > limit:
            raise TooLarge(path="", size=found.size, limit=limit)
        parts: list[bytes] = []
        done = 0
        while done < found.size:
            with self._on:
                part = self._session.g.data("pread", path, min(CHUNK, found.size - done), done)
            if not part:
                break
            parts.append(part)
            done += len(part)
        return b"".join(parts)

    def xattrs(self, inode: int) -> Mapping[str, bytes]:
        """Extended attributes."""
        with self._on:
            return self._session.g.xattrs(self._paths.path(inode))

    def space(self) -> Space:
        """Room on it; btrfs has no fixed number of inodes, so one per 16 KiB of free space is said."""
        with self._on:
            found = self._session.g.space(self._paths.path(self.root))
        free = found.bfree * found.frsize  # ours are root's writes: what is reserved for root counts
        inodes = found.ffree if found.files else free // _BYTES_PER_INODE
        return Space(total=found.blocks * found.frsize, free=free, inodes_free=inodes)

    def _lstat(self, path: str) -> StatNS:
        with self._on:
            return self._session.g.stat(path)

    def _file(self, inode: int) -> tuple[str, StatNS]:
        path = self._paths.path(inode)
        found = self._lstat(path)
        if kind_of(found) is not FileKind.FILE:
            raise WrongKind(path="", found=kind_of(found), expected="file")
        return path, found

    def _join(self, directory: int, name: str) -> str:
        return f"{self._paths.path(directory)}/{name}"

    def _scan(self, path: str) -> list[tuple[str, str, StatNS]]:
        """Name, path and stat of all in a directory: two calls."""
        with self._on:
            names = self._session.g.names(path)
        if len(names) > _MAX_ENTRIES:
            raise TooLarge(path="", size=f"a directory of {len(names)} entries", limit=_MAX_ENTRIES)
        if any("/" in name or not name for name in names):
            raise Corrupt(path="", filesystem=self.filesystem.id, detail="a file name with a slash in it")
        return list(zip(names, [f"{path}/{name}" for name in names], self._stats(path, names), strict=True))

    def _stats(self, path: str, names: Sequence[str]) -> list[StatNS]:
        with self._on:
            found = self._session.g.stats(path, names)
        if len(found) != len(names) or any(one.ino < 0 for one in found):
            raise NotFound(path="")
        return found
