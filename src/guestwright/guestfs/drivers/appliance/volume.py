"""One filesystem in the appliance as a `guestwright.guestfs.volume.Volume`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from guestwright.guestfs.drivers.appliance.bindings import StatNS
from guestwright.guestfs.drivers.appliance.codes import on
from guestwright.guestfs.drivers.appliance.handle import Handle, encode
from guestwright.guestfs.drivers.appliance.paths import kind_of
from guestwright.guestfs.drivers.appliance.reading import CHUNK, ReadVolume
from guestwright.guestfs.errors import AlreadyExists, Corrupt, NoSpace, NotFound, TooLarge, WrongKind
from guestwright.guestfs.port import FileKind, Removed

_MAX_TREE: Final = 5_000_000
_SECTOR: Final = 512  # stat(2): the unit of st_blocks
_SCRUB_LIMIT: Final = 4 << 30


class ApplianceVolume(ReadVolume):
    """A filesystem in the appliance; see `Volume` for each method.

    Scrubbing writes zeros over the file and waits until they are on the disk before the file goes. On btrfs
    and other filesystems that never overwrite in place, the old blocks stay as they are: there only a fresh
    copy of the image (`qemu-img convert`) is free of them.
    """

    def write(self, inode: int, data: bytes) -> None:
        """Replace the whole content of a regular file."""
        path, found = self._file(inode)
        self._need_room(len(data) - found.blocks * _SECTOR)
        with self._changing():
            self._put(path, data)

    def truncate(self, inode: int, size: int, *, scrub: bool) -> None:
        """Cut a regular file."""
        path, found = self._file(inode)
        with self._changing():
            if scrub:
                self._zero([(path, size, found.size)])
            self._session.g.run("truncate_size", path, size)

    def create(self, directory: int, name: str, data: bytes, *, mode: int, uid: int, gid: int) -> int:
        """Create a regular file; nobody but root can read it until its mode and owner are right."""
        path = self._free(directory, name)
        self._need_room(len(data))
        with self._changing():
            self._put(path, data)
            _own(self._session.g, path, mode, uid, gid)
        return self.lookup(directory, name)

    def mkdir(self, directory: int, name: str, *, mode: int, uid: int, gid: int) -> int:
        """Create a directory."""
        path = self._join(directory, name)
        with self._changing():
            self._session.g.run("mkdir_mode", path, 0o700)
            _own(self._session.g, path, mode, uid, gid)
        return self.lookup(directory, name)

    def symlink(self, directory: int, name: str, target: str) -> int:
        """Create a symlink."""
        path = self._free(directory, name)
        with self._changing():
            self._session.g.run("ln_s", target, path)
        return self.lookup(directory, name)

    def unlink(self, directory: int, names: Collection[str], *, scrub: bool) -> Removed:
        """Remove names that are not directories."""
        top = self._paths.path(directory)
        order = list(names)
        stats = self._stats(top, order)
        for found in stats:
            if kind_of(found) is FileKind.DIRECTORY:
                raise WrongKind(path="", found=FileKind.DIRECTORY, expected="file")
        going = [(f"{top}/{name}", found) for name, found in zip(order, stats, strict=True)]
        last, size = _last_links(going)
        with self._changing():
            if scrub:
                self._zero([(path, 0, found.size) for path, found in last])
            for path, found in going:
                self._session.g.run("rm", path)
                self._paths.forget(path, found)
        return Removed(files=len(going), size=size)

    def remove_tree(self, directory: int, name: str, *, scrub: bool) -> Removed:
        """Remove a directory and everything below it; a loop of directories is `Corrupt`."""
        top = self._join(directory, name)
        found = self._lstat(top)
        if kind_of(found) is not FileKind.DIRECTORY:
            raise WrongKind(path="", found=kind_of(found), expected="directory")
        directories, files = self._below(top, found)
        last, size = _last_links(files)
        with self._changing():
            if scrub:
                self._zero([(path, 0, one.size) for path, one in last])
            try:
                self._session.g.run("rm_rf", top)
            finally:
                for path, one in (*files, *directories):
                    self._paths.forget(path, one)
        return Removed(files=len(files), directories=len(directories), size=size)

    def chmod(self, inode: int, mode: int) -> None:
        """Set permission bits."""
        with self._changing():
            self._session.g.run("chmod", mode, self._paths.path(inode))

    def chown(self, inode: int, uid: int, gid: int) -> None:
        """Set the owner."""
        with self._changing():
            self._session.g.run("lchown", uid, gid, self._paths.path(inode))

    def set_xattr(self, inode: int, name: str, value: bytes) -> None:
        """Set one attribute."""
        path = self._paths.path(inode)
        with self._changing():
            if b"\0" in value[:-1]:
                self._set_binary_xattr(path, name, value)
            else:
                self._session.g.run("lsetxattr", name, value, path)

    def remove_xattr(self, inode: int, name: str) -> None:
        """Remove one attribute."""
        with self._changing():
            self._session.g.run("lremovexattr", name, self._paths.path(inode))

    def sync(self) -> None:
        """Write all that was changed."""
        with self._on:
            self._session.g.run("sync")

    def close(self) -> None:
        """The session ends with the machine; nothing is held here."""

    def _changing(self) -> on:
        self._ready.clear()
        return self._on

    def _free(self, directory: int, name: str) -> str:
        try:
            self.lookup(directory, name)
        except NotFound:
            return self._join(directory, name)
        raise AlreadyExists(path="")

    def _need_room(self, size: int) -> None:
        """Refuse a large write that cannot fit before it cuts the file; a small one is left to the kernel."""
        if size > CHUNK // 4 and size > self.space().free:
            raise NoSpace(path="")

    def _put(self, path: str, data: bytes) -> None:
        """Create or cut the file, then fill it by pieces: a big `write` goes another way and loses errno."""
        self._session.g.run("write", path, data[:CHUNK])
        done = min(CHUNK, len(data))
        while done < len(data):
            wrote = self._session.g.number("pwrite", path, data[done : done + CHUNK], done)
            if wrote == 0:
                raise NoSpace(path="")
            done += wrote

    def _set_binary_xattr(self, path: str, name: str, value: bytes) -> None:
        """Set a value that libguestfs' `lsetxattr`, which takes a C string, would cut at its first NUL.

        Path and name are spelled in octal, so that nothing in them means anything to the appliance's shell;
        each with a full stop behind it, since "$(…)" drops newlines at the end.
        """
        command = (
            f"n=$(printf '{_octal(name)}.'); p=$(printf '{_octal('/sysroot' + path)}.'); "
            f'setfattr -h -n "${{n%.}}" -v 0x{value.hex()} -- "${{p%.}}"'
        )
        self._session.g.text("debug", "sh", [command])

    def _below(self, top: str, root: StatNS) -> tuple[list[_Named], list[_Named]]:
        directories, files = [(top, root)], []
        seen = {self._paths.learn(top, root)}
        for path, _ in directories:  # grows while it is gone through
            for _, child, found in self._scan(path):
                if kind_of(found) is not FileKind.DIRECTORY:
                    files.append((child, found))
                    continue
                inode = self._paths.learn(child, found)
                if inode in seen:
                    raise Corrupt(path="", filesystem=self.filesystem.id, detail="a directory appears twice")
                seen.add(inode)
                directories.append((child, found))
            if len(files) + len(directories) > _MAX_TREE:
                raise TooLarge(path="", size="the number of entries", limit=_MAX_TREE)
        return directories, files

    def _zero(self, spans: Sequence[tuple[str, int, int]]) -> None:
        """Overwrite what is not zero yet, and wait for the disk.

        Without the wait the zeros would only be in the appliance's memory when the file goes, and be dropped.
        Holes are read, never filled.
        """
        for path, start, end in spans:
            for at in range(start, min(end, _SCRUB_LIMIT), CHUNK):
                there = self._session.g.data("pread", path, min(CHUNK, end - at), at)
                if there.count(0) != len(there):
                    self._session.g.run("pwrite", path, bytes(len(there)), at)
        if spans:
            self._session.g.run("sync")


_Named = tuple[str, StatNS]


def _octal(text: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in encode(text))


def _last_links(going: Sequence[_Named]) -> tuple[list[_Named], int]:
    """Those regular files of which no other name stays (each once), and their size."""
    names = Counter((found.dev, found.ino) for _, found in going)
    last: dict[tuple[int, int], _Named] = {}
    for path, found in going:
        key = (found.dev, found.ino)
        if kind_of(found) is FileKind.FILE and names[key] >= found.nlink:
            last[key] = (path, found)
    return list(last.values()), sum(found.size for _, found in last.values())


def _own(g: Handle, path: str, mode: int, uid: int, gid: int) -> None:
    g.run("lchown", uid, gid, path)
    g.run("chmod", mode, path)
