"""One filesystem in memory: for tests, and as the plainest statement of what a volume does.

Space is counted in blocks of 4096 bytes so that a full filesystem can be had.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from guestwright.guestfs.errors import AlreadyExists, Corrupt, NoSpace, NotFound, TooLarge, WrongKind
from guestwright.guestfs.port import FileKind, Filesystem, Removed, Space, Stat
from guestwright.guestfs.volume import Link as DirectoryEntry

BLOCK: Final = 4096
_ROOT: Final = 2  # as ext's root inode
_FIRST: Final = 11
_FAST_SYMLINK: Final = 60


@dataclass(slots=True, kw_only=True)
class _Inode:
    kind: FileKind
    mode: int
    uid: int = 0
    gid: int = 0
    data: bytes = b""
    target: str = ""
    children: dict[str, int] = field(default_factory=dict)
    xattrs: dict[str, bytes] = field(default_factory=dict)
    links: int = 1
    mtime: int = 0

    def blocks(self) -> int:
        if self.kind is FileKind.DIRECTORY:
            return 1
        if self.kind is FileKind.SYMLINK:
            return int(len(_raw(self.target)) >= _FAST_SYMLINK)
        return -(-len(self.data) // BLOCK)


class _Inodes:
    """The inodes of one filesystem, its names and its room."""

    def __init__(
        self, filesystem: Filesystem, *, capacity: int = 1 << 30, inodes: int = 1 << 20, now: int = 0
    ) -> None:
        self._filesystem = filesystem
        self._blocks = capacity // BLOCK
        self._used = 1
        self._max_inodes = inodes
        self._now = now
        self._next = _FIRST
        self._inodes = {_ROOT: _Inode(kind=FileKind.DIRECTORY, mode=0o755, links=2, mtime=now)}
        self.scrubbed: list[bytes] = []
        self.synced = 0
        self.closed = False

    @property
    def filesystem(self) -> Filesystem:
        """What it is."""
        return self._filesystem

    @property
    def root(self) -> int:
        """Inode number of the root directory."""
        return _ROOT

    def add(self, directory: int, name: str, node: _Inode | int) -> int:
        """Enter a new inode, or one more hard link to `node`; `AlreadyExists` when the name is taken.

        A directory may be entered a second time: that is how a damaged filesystem is made.
        """
        holder = self._directory(directory)
        if name in holder.children:
            raise AlreadyExists(path="")
        if isinstance(node, int):
            inode = node
            self._get(inode).links += 1
        else:
            if len(self._inodes) >= self._max_inodes:
                raise NoSpace(path="")
            self._take(node.blocks())
            inode, self._next = self._next, self._next + 1
            node.mtime = self._now
            self._inodes[inode] = node
        holder.children[name] = inode
        holder.mtime = self._now
        return inode

    def special(self, directory: int, name: str, kind: FileKind, *, mode: int = 0o600) -> int:
        """Create a device, FIFO, socket or unknown inode."""
        return self.add(directory, name, _Inode(kind=kind, mode=mode))

    def _get(self, inode: int) -> _Inode:
        node = self._inodes.get(inode)
        if node is None:
            raise Corrupt(filesystem=self._filesystem.id, detail=f"no inode {inode}")
        return node

    def _of_kind(self, inode: int, kind: FileKind) -> _Inode:
        node = self._get(inode)
        if node.kind is not kind:
            raise WrongKind(path="", found=node.kind, expected=kind)
        return node

    def _directory(self, inode: int) -> _Inode:
        return self._of_kind(inode, FileKind.DIRECTORY)

    def _take(self, blocks: int) -> None:
        if blocks > self._blocks - self._used:
            raise NoSpace(path="")
        self._used += blocks

    def _drop(self, inode: int, *, scrub: bool) -> Removed:
        node = self._get(inode)
        node.links -= 1
        if node.links:
            return Removed(files=1)
        if scrub and node.kind is FileKind.FILE:
            self.scrubbed.append(node.data)
        self._used -= node.blocks()
        del self._inodes[inode]
        return Removed(files=1, size=len(node.data))


class _Readable(_Inodes):
    """The half that looks."""

    def stat(self, inode: int) -> Stat:
        """The inode's attributes."""
        node = self._get(inode)
        size = {FileKind.DIRECTORY: BLOCK, FileKind.SYMLINK: len(_raw(node.target))}.get(
            node.kind, len(node.data)
        )
        return Stat(
            kind=node.kind,
            mode=node.mode,
            uid=node.uid,
            gid=node.gid,
            size=size,
            links=node.links,
            inode=inode,
            filesystem=self._filesystem.id,
            mtime=node.mtime,
        )

    def lookup(self, directory: int, name: str) -> int:
        """Inode of a name in a directory."""
        inode = self._directory(directory).children.get(name)
        if inode is None:
            raise NotFound(path="")
        return inode

    def entries(self, directory: int) -> Sequence[DirectoryEntry]:
        """All names in a directory."""
        children = self._directory(directory).children
        return [DirectoryEntry(name, inode, self._get(inode).kind) for name, inode in children.items()]

    def readlink(self, inode: int) -> str:
        """Target of a symlink."""
        return self._of_kind(inode, FileKind.SYMLINK).target

    def read(self, inode: int, *, limit: int) -> bytes:
        """Whole content of a regular file."""
        data = self._of_kind(inode, FileKind.FILE).data
        if len(data) > limit:
            raise TooLarge(path="", size=len(data), limit=limit)
        return data

    def xattrs(self, inode: int) -> Mapping[str, bytes]:
        """Extended attributes."""
        return dict(self._get(inode).xattrs)

    def space(self) -> Space:
        """Room on it."""
        return Space(
            total=self._blocks * BLOCK,
            free=(self._blocks - self._used) * BLOCK,
            inodes_free=self._max_inodes - len(self._inodes),
        )


class MemoryVolume(_Readable):
    """One filesystem in memory.

    Args:
        filesystem: what it says it is.
        capacity: bytes for files and directories.
        inodes: how many inodes there can be.
        now: time given to what is made or changed, seconds since the epoch.

    Attributes:
        scrubbed: content that a `scrub` overwrote, in order; for tests.
        synced: how often `sync` was called.
        closed: whether `close` was.
    """

    def write(self, inode: int, data: bytes) -> None:
        """Replace the whole content of a regular file."""
        node = self._of_kind(inode, FileKind.FILE)
        self._take(-(-len(data) // BLOCK) - node.blocks())
        node.data, node.mtime = bytes(data), self._now

    def truncate(self, inode: int, size: int, *, scrub: bool) -> None:
        """Cut a regular file."""
        node = self._of_kind(inode, FileKind.FILE)
        if scrub:
            self.scrubbed.append(node.data[size:])
        self.write(inode, node.data[:size])

    def create(self, directory: int, name: str, data: bytes, *, mode: int, uid: int, gid: int) -> int:
        """Create a regular file."""
        node = _Inode(kind=FileKind.FILE, mode=mode, uid=uid, gid=gid, data=bytes(data))
        return self.add(directory, name, node)

    def mkdir(self, directory: int, name: str, *, mode: int, uid: int, gid: int) -> int:
        """Create a directory."""
        inode = self.add(
            directory, name, _Inode(kind=FileKind.DIRECTORY, mode=mode, uid=uid, gid=gid, links=2)
        )
        self._get(directory).links += 1
        return inode

    def symlink(self, directory: int, name: str, target: str) -> int:
        """Create a symlink."""
        return self.add(directory, name, _Inode(kind=FileKind.SYMLINK, mode=0o777, target=_normal(target)))

    def unlink(self, directory: int, names: Collection[str], *, scrub: bool) -> Removed:
        """Remove names that are not directories."""
        holder = self._directory(directory)
        inodes = [self.lookup(directory, name) for name in names]
        for inode in inodes:
            kind = self._get(inode).kind
            if kind is FileKind.DIRECTORY:
                raise WrongKind(path="", found=kind, expected="file")
        total = Removed()
        for name, inode in zip(names, inodes, strict=True):
            del holder.children[name]
            total += self._drop(inode, scrub=scrub)
        holder.mtime = self._now
        return total

    def remove_tree(self, directory: int, name: str, *, scrub: bool) -> Removed:
        """Remove a directory and everything below it."""
        top = self.lookup(directory, name)
        self._directory(top)
        total = Removed()
        order, seen = [top], {top}
        for inode in order:  # grows while it is gone through
            children = self._directory(inode).children
            below = [child for child in children.values() if self._get(child).kind is FileKind.DIRECTORY]
            if not seen.isdisjoint(below):
                raise Corrupt(filesystem=self._filesystem.id, detail="a directory appears twice")
            seen.update(below)
            order.extend(below)
        for inode in order:
            for child in self._get(inode).children.values():
                if child not in seen:
                    total += self._drop(child, scrub=scrub)
        for inode in order:
            del self._inodes[inode]
        self._used -= len(order)
        holder = self._directory(directory)
        del holder.children[name]
        holder.links -= 1
        return total + Removed(directories=len(order))

    def chmod(self, inode: int, mode: int) -> None:
        """Set permission bits."""
        self._get(inode).mode = mode

    def chown(self, inode: int, uid: int, gid: int) -> None:
        """Set the owner."""
        node = self._get(inode)
        node.uid, node.gid = uid, gid

    def set_xattr(self, inode: int, name: str, value: bytes) -> None:
        """Set one attribute."""
        self._get(inode).xattrs[_normal(name)] = bytes(value)

    def remove_xattr(self, inode: int, name: str) -> None:
        """Remove one attribute."""
        if self._get(inode).xattrs.pop(_normal(name), None) is None:
            raise NotFound(path="")

    def sync(self) -> None:
        """Count the calls."""
        self.synced += 1

    def close(self) -> None:
        """Note that it was called."""
        self.closed = True


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _normal(text: str) -> str:
    """Text as it comes back from a disk: bytes that form UTF-8 together are a character."""
    return _raw(text).decode("utf-8", "surrogateescape")
