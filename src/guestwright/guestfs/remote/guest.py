"""`GuestFS` by way of a worker: each method is one call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from guestwright.confine.held import Held
from guestwright.guestfs.errors import TooLarge
from guestwright.guestfs.port import Entry, FileKind, Filesystem, Removed, Space, Stat
from guestwright.guestfs.remote import calls
from guestwright.guestfs.remote.connection import Connection
from guestwright.guestfs.remote.wire import MAX_HEAD, MAX_TAIL

_BATCH: Final = MAX_HEAD // 16  # characters of paths in one request; a character is at most 12 bytes of JSON


def _batches(paths: Sequence[str]) -> Iterator[list[str]]:
    """Cut so that each part fits in a request; as large as can be, for each costs a pass over a directory."""
    batch: list[str] = []
    size = 0
    for path in paths:
        if batch and size + len(path) > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(path) + 1
    if batch:
        yield batch


class _Looking:
    """The half that looks.

    Args:
        connection: to the worker.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._abandoned: list[int] = []

    def mounts(self) -> Mapping[str, str]:
        """Mount point to filesystem id."""
        return self._connection.call(calls.MOUNTS, {})

    def resolve(self, path: str, *, follow: bool = True) -> str:
        """The path with every symlink resolved."""
        return self._connection.call(calls.RESOLVE, {"path": path, "follow": follow})

    def lstat(self, path: str) -> Stat:
        """Stat without following the last component."""
        return self._connection.call(calls.LSTAT, {"path": path})

    def stat(self, path: str) -> Stat:
        """Stat, following the last component."""
        return self._connection.call(calls.STAT, {"path": path})

    def readlink(self, path: str) -> str:
        """Target of a symlink."""
        return self._connection.call(calls.READLINK, {"path": path})

    def listdir(self, path: str) -> Sequence[Entry]:
        """Entries of a directory."""
        return self._connection.call(calls.LISTDIR, {"path": path})

    def glob(self, patterns: Sequence[str]) -> Sequence[Entry]:
        """Everything that matches any of the patterns."""
        return self._connection.call(calls.GLOB, {"patterns": list(patterns)})

    def find(self, tops: Sequence[str], suffixes: Sequence[str]) -> Sequence[Entry]:
        """Every regular file below the tops with one of the suffixes."""
        return self._connection.call(calls.FIND, {"tops": list(tops), "suffixes": list(suffixes)})

    def walk(self, top: str) -> Iterator[Entry]:
        """Everything below a directory, fetched in pages; other calls may be made in between."""
        if self._abandoned:
            given_up, self._abandoned = self._abandoned, []
            self._connection.call(calls.WALK_DROP, {"walks": given_up})
        page = self._connection.call(calls.WALK_START, {"top": top})
        try:
            yield from page.entries
            while not page.done:
                page = self._connection.call(calls.WALK_MORE, {"walk": page.walk})
                yield from page.entries
        finally:
            # A generator may be thrown away at any moment, in the middle of a call even: only note it.
            if not page.done:
                self._abandoned.append(page.walk)

    def read(self, path: str, *, limit: int = 1 << 20) -> bytes:
        """Whole content of a regular file, at most 64 MiB."""
        return self._connection.call(calls.READ, {"path": path, "limit": min(limit, MAX_TAIL)})

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        """Extended attributes."""
        return self._connection.call(calls.XATTRS, {"path": path})

    def space(self, path: str) -> Space:
        """Room on the filesystem."""
        return self._connection.call(calls.SPACE, {"path": path})


class _Changing(_Looking):
    """The half that changes."""

    def write(self, path: str, data: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Set the whole content of a regular file, at most 64 MiB."""
        if len(data) > MAX_TAIL:
            raise TooLarge(path=path, size=len(data), limit=MAX_TAIL)
        self._connection.call(calls.WRITE, {"path": path, "mode": mode, "uid": uid, "gid": gid}, data)

    def truncate(self, path: str, size: int = 0, *, scrub: bool = False) -> None:
        """Cut a regular file."""
        self._connection.call(calls.TRUNCATE, {"path": path, "size": size, "scrub": scrub})

    def remove(self, path: str, *, recursive: bool = False, scrub: bool = False) -> Removed:
        """Remove a path."""
        arguments = {"path": path, "recursive": recursive, "scrub": scrub}
        return self._connection.call(calls.REMOVE, arguments)

    def remove_all(
        self, paths: Sequence[str], *, recursive: bool = False, scrub: bool = False
    ) -> Sequence[Removed | FileKind | None]:
        """Remove many paths."""
        done: list[Removed | FileKind | None] = []
        for batch in _batches(paths):
            arguments = {"paths": batch, "recursive": recursive, "scrub": scrub}
            outcomes = self._connection.call(calls.REMOVE_ALL, arguments)
            if len(outcomes) != len(batch):
                raise self._connection.fail("it answered for other paths than it was asked to remove")
            done += outcomes
        return done

    def remove_files(self, top: str, *, keep: Collection[str] = ()) -> Removed:
        """Remove regular files below a directory."""
        return self._connection.call(calls.REMOVE_FILES, {"top": top, "keep": list(keep)})

    def mkdir(self, path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Create one directory."""
        self._connection.call(calls.MKDIR, {"path": path, "mode": mode, "uid": uid, "gid": gid})

    def symlink(self, target: str, path: str) -> None:
        """Create a symlink."""
        self._connection.call(calls.SYMLINK, {"target": target, "path": path})

    def chmod(self, path: str, mode: int) -> None:
        """Set the permission bits."""
        self._connection.call(calls.CHMOD, {"path": path, "mode": mode})

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Set the owner."""
        self._connection.call(calls.CHOWN, {"path": path, "uid": uid, "gid": gid})

    def set_xattr(self, path: str, name: str, value: bytes) -> None:
        """Set one extended attribute."""
        if len(value) > MAX_TAIL:
            raise TooLarge(path=path, size=len(value), limit=MAX_TAIL)
        self._connection.call(calls.SET_XATTR, {"path": path, "name": name}, value)

    def remove_xattr(self, path: str, name: str) -> None:
        """Remove one extended attribute."""
        self._connection.call(calls.REMOVE_XATTR, {"path": path, "name": name})


class RemoteGuestFS(_Changing):
    """A guest's files behind a worker; implements `GuestFS`.

    Args:
        connection: to the worker.
        filesystems: what is on the disks.
        held: how the worker is confined.
    """

    def __init__(self, connection: Connection, *, filesystems: Sequence[Filesystem], held: Held) -> None:
        super().__init__(connection)
        self._filesystems = tuple(filesystems)
        self.held = held

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._connection.pid

    def filesystems(self) -> Sequence[Filesystem]:
        """All filesystems and swap areas, by disk and partition."""
        return sorted(self._filesystems, key=lambda each: (each.disk, each.partition, each.id))

    def mount(self, filesystem: str, mountpoint: str, *, options: str = "") -> None:
        """Put a filesystem at a path; it is opened when it is first mounted."""
        arguments = {"filesystem": filesystem, "mountpoint": mountpoint, "options": options}
        self._connection.call(calls.MOUNT, arguments)

    def unmount_all(self) -> None:
        """Empty the mount table."""
        self._connection.call(calls.UNMOUNT_ALL, {})

    def sync(self) -> None:
        """Write everything that was changed to the block devices."""
        self._connection.call(calls.SYNC, {})

    def close(self) -> None:
        """End the worker; what was not synced is lost. The devices stay open."""
        self._connection.close()
