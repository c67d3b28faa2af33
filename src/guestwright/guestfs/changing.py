"""The half of `Tree` that changes."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Final

from guestwright.guestfs.errors import AlreadyExists, GuestFSError, NotFound, TooLarge, WrongKind
from guestwright.guestfs.port import FileKind, Removed
from guestwright.guestfs.resolve import MAX_NAME, MAX_PATH, Namespace, Node, Place, at
from guestwright.guestfs.walking import Limits, walk

_MAX_XATTR: Final = 65536  # xattr(7): XATTR_SIZE_MAX
_MAX_ID: Final = (1 << 32) - 2  # chown(2): -1 means "leave"
_MAX_MODE: Final = 0o7777


class Changing:
    """Changing paths; each method is as `GuestFS` has it.

    Args:
        names: the look-up of paths.
        limits: how far `remove_files` goes.
    """

    def __init__(self, names: Namespace, limits: Limits) -> None:
        self._names = names
        self._limits = limits

    def write(self, path: str, data: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Set the whole content of a regular file. Through a dangling symlink its target is created."""
        _check_attributes(path, mode, uid, gid)
        place = self._names.place(path, follow=True)
        node = place.node
        with at(path):
            if node is None:
                volume = place.parent.volume.change_new(place.parent.inode)
                volume.create(place.parent.inode, place.name, data, mode=mode, uid=uid, gid=gid)
                return
            _need_file(path, node)
            node.volume.change(node.inode).write(node.inode, data)

    def truncate(self, path: str, size: int = 0, *, scrub: bool = False) -> None:
        """Cut a regular file."""
        node = self._names.node(path, follow=False)
        _need_file(path, node)
        with at(path):
            present = node.stat().size
            if not 0 <= size <= present:
                raise TooLarge(path=path, size=f"a cut to {size} bytes", limit=f"its present {present}")
            node.volume.change(node.inode).truncate(node.inode, size, scrub=scrub)

    def mkdir(self, path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Create one directory."""
        _check_attributes(path, mode, uid, gid)
        place = self._free(path)
        with at(path):
            volume = place.parent.volume.change_new(place.parent.inode)
            volume.mkdir(place.parent.inode, place.name, mode=mode, uid=uid, gid=gid)

    def symlink(self, target: str, path: str) -> None:
        """Create a symlink."""
        size = len(_encoded(path, target))
        if not size or "\0" in target:
            raise GuestFSError(path=path, detail="a symlink's target cannot be empty or hold NUL")
        if size >= MAX_PATH:
            raise TooLarge(path=path, size=size, limit=MAX_PATH - 1)
        place = self._free(path)
        with at(path):
            volume = place.parent.volume.change_new(place.parent.inode)
            volume.symlink(place.parent.inode, place.name, target)

    def chmod(self, path: str, mode: int) -> None:
        """Set the permission bits."""
        _check_attributes(path, mode, 0, 0)
        node = self._names.node(path, follow=True)
        with at(path):
            node.volume.change(node.inode).chmod(node.inode, mode)

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Set the owner."""
        _check_attributes(path, 0, uid, gid)
        node = self._names.node(path, follow=False)
        with at(path):
            node.volume.change(node.inode).chown(node.inode, uid, gid)

    def set_xattr(self, path: str, name: str, value: bytes) -> None:
        """Set one extended attribute."""
        _check_xattr(path, name)
        if len(value) > _MAX_XATTR:
            raise TooLarge(path=path, size=len(value), limit=_MAX_XATTR)
        node = self._names.node(path, follow=False)
        with at(path):
            node.volume.change(node.inode).set_xattr(node.inode, name, value)

    def remove_xattr(self, path: str, name: str) -> None:
        """Remove one extended attribute."""
        _check_xattr(path, name)
        node = self._names.node(path, follow=False)
        with at(path):
            node.volume.change(node.inode).remove_xattr(node.inode, name)

    def remove(self, path: str, *, recursive: bool = False, scrub: bool = False) -> Removed:
        """Remove a path.

        Where something is mounted inside the tree, what is mounted is emptied, and the mount points stay
        with the directories that lead to them.
        """
        place = self._names.place(path, follow=False)
        node = place.node
        if node is None:
            raise NotFound(path=path)
        if node.kind is FileKind.DIRECTORY and not recursive:
            raise WrongKind(path=path, found=node.kind, expected="file, or ask for a recursive removal")
        with at(path):
            if node.kind is not FileKind.DIRECTORY:
                return place.parent.volume.unlink(place.parent.inode, (place.name,), scrub=scrub)
            if self._names.below(node.path):
                return self._empty(node, scrub=scrub)
            return place.parent.volume.remove_tree(place.parent.inode, place.name, scrub=scrub)

    def remove_all(
        self, paths: Sequence[str], *, recursive: bool = False, scrub: bool = False
    ) -> Sequence[Removed | FileKind | None]:
        """Remove many paths; says of each what went, or why not."""
        done: list[Removed | FileKind | None] = []
        for _, alike in groupby(paths, key=posixpath.dirname):
            siblings = list(alike)
            if len(siblings) > 1 and len(set(siblings)) == len(siblings):
                done += self._remove_siblings(siblings, recursive=recursive, scrub=scrub)
            else:
                done += [self._remove_one(path, recursive=recursive, scrub=scrub) for path in siblings]
        return done

    def _remove_one(self, path: str, *, recursive: bool, scrub: bool) -> Removed | FileKind | None:
        try:
            return self.remove(path, recursive=recursive, scrub=scrub)
        except NotFound:
            return None
        except WrongKind:
            return FileKind.DIRECTORY

    def _remove_siblings(
        self, paths: Sequence[str], *, recursive: bool, scrub: bool
    ) -> list[Removed | FileKind | None]:
        """Remove what is no directory in one pass over their common one, then the rest one by one."""
        done: dict[str, Removed | FileKind | None] = {}
        names: list[str] = []
        left: dict[int, int] = {}
        parent: Node | None = None
        for path in paths:
            try:
                place = self._names.place(path, follow=False)
            except NotFound:
                done[path] = None
                continue
            if place.node is None:
                done[path] = None
            elif place.node.kind is not FileKind.DIRECTORY:
                parent = place.parent
                names.append(place.name)
                with at(path):
                    done[path] = _one_name_less(place.node, left)
        if parent is not None:
            with at(paths[0]):
                parent.volume.unlink(parent.inode, names, scrub=scrub)
        return [
            done[path] if path in done else self._remove_one(path, recursive=recursive, scrub=scrub)
            for path in paths
        ]

    def remove_files(self, top: str, *, keep: Collection[str] = ()) -> Removed:
        """Remove every regular file below a directory whose name is not in `keep`."""
        directory = self._names.directory(top)
        spared = frozenset(keep)
        with at(top):
            steps = walk(self._names, directory, directory.path, self._limits)
            nodes = (step.node for step in steps if step.node.kind is FileKind.DIRECTORY)
            # Names are collected first: removing while walking would be sound, but costs the caches.
            directories = [directory, *nodes]
            total = Removed()
            for node in directories:
                total += self._remove_files_in(node, spared)
            return total

    def _remove_files_in(self, directory: Node, spared: frozenset[str]) -> Removed:
        names = []
        for link in directory.volume.entries(directory.inode):
            if link.name not in spared and link.kind in {FileKind.FILE, FileKind.UNKNOWN}:
                child = self._names.child(directory, link.name)
                if child is not None and child.kind is FileKind.FILE:
                    names.append(link.name)
        if not names:
            return Removed()
        return directory.volume.unlink(directory.inode, names, scrub=False)

    def _empty(self, directory: Node, *, scrub: bool) -> Removed:
        """Remove what is in a directory that is a mount point or leads to one."""
        total = Removed()
        names, trees = [], []
        for link in directory.volume.entries(directory.inode):
            child = self._names.child(directory, link.name)
            if child is None:
                continue
            if child.kind is not FileKind.DIRECTORY:
                names.append(link.name)
            elif self._names.below(child.path):
                total += self._empty(child, scrub=scrub)
            else:
                trees.append(link.name)
        if names:
            total += directory.volume.unlink(directory.inode, names, scrub=scrub)
        for name in trees:
            total += directory.volume.remove_tree(directory.inode, name, scrub=scrub)
        return total

    def _free(self, path: str) -> Place:
        place = self._names.place(path, follow=False)
        if place.node is not None:
            raise AlreadyExists(path=path)
        return place


def _one_name_less(node: Node, left: dict[int, int]) -> Removed:
    """What removing one name of an inode takes away; `left` counts the names that inodes still have."""
    stat = node.stat()
    left[node.inode] = left.get(node.inode, stat.links) - 1
    freed = stat.kind is FileKind.FILE and left[node.inode] == 0
    return Removed(files=1, size=stat.size if freed else 0)


def _need_file(path: str, node: Node) -> None:
    if node.kind is not FileKind.FILE:
        raise WrongKind(path=path, found=node.kind, expected="file")


def _check_attributes(path: str, mode: int, uid: int, gid: int) -> None:
    if not 0 <= mode <= _MAX_MODE:
        raise GuestFSError(path=path, detail=f"mode {mode:#o} is not within 0..07777")
    if not (0 <= uid <= _MAX_ID and 0 <= gid <= _MAX_ID):
        raise GuestFSError(path=path, detail=f"owner {uid}:{gid} is not within 0..{_MAX_ID}")


def _check_xattr(path: str, name: str) -> None:
    size = len(_encoded(path, name))
    prefix, dot, rest = name.partition(".")
    if not (prefix and dot and rest) or "\0" in name:
        raise GuestFSError(path=path, detail=f"{name!a} is no name of an extended attribute (user.x)")
    if size > MAX_NAME:
        raise TooLarge(path=path, size=size, limit=MAX_NAME)


def _encoded(path: str, text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise GuestFSError(path=path, detail=f"{text!a} holds characters that no name has") from None
