"""Going through directories without trusting them: bounded, and never the same directory twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from guestwright.base.record import record
from guestwright.guestfs.errors import Corrupt, NotFound, TooLarge
from guestwright.guestfs.port import FileKind
from guestwright.guestfs.resolve import Namespace, Node, join

_OPEN = (FileKind.DIRECTORY, FileKind.UNKNOWN)


@record
class Limits:
    """How much of one directory tree is gone through before `TooLarge`.

    Attributes:
        entries: names in all.
        depth: directories below one another.
    """

    entries: int = 5_000_000
    depth: int = 512


class Step(NamedTuple):
    """One entry on the way: its path as the caller spells the top, and what it is."""

    path: str
    node: Node


class _Level(NamedTuple):
    directory: Node
    spelled: str
    mount: str
    names: Iterator[str]


def walk(
    names: Namespace, top: Node, spelled: str, limits: Limits, *, suffixes: tuple[str, ...] | None = None
) -> Iterator[Step]:
    """Everything below a directory, parents before children, sorted by name within a directory.

    A name that vanishes while the caller works on what it was given is passed over. A directory is told
    from another by mount point and inode, so that a filesystem mounted twice is no loop.

    Args:
        names: the look-up.
        top: where to start; a directory.
        spelled: how the caller names it; the paths given start with it.
        limits: see `Limits`.
        suffixes: if given, only directories and what has a name with one of these endings; the rest is told
            from directories by its directory entry and not looked at.

    Raises:
        Corrupt: a directory was met twice.
        TooLarge: a limit was passed.
    """
    mount = max(names.below(top.path)[:1] or [""])
    seen = {(mount, top.inode)}
    levels = [_Level(top, spelled, mount, _names(top, suffixes))]
    count = 0
    while levels:
        level = levels[-1]
        name = next(level.names, None)
        if name is None:
            levels.pop()
            continue
        count += 1
        if count > limits.entries:
            raise TooLarge(path=spelled, size="the number of entries", limit=limits.entries)
        node = _child(names, level.directory, name)
        if node is None:
            continue
        path = join(level.spelled, name)
        # The kind in a directory entry may be missing or a lie; the inode's own counts.
        if suffixes is None or node.kind is FileKind.DIRECTORY or name.endswith(suffixes):
            yield Step(path, node)
        if node.kind is FileKind.DIRECTORY:
            mount = node.path if names.is_mountpoint(node.path) else level.mount
            if (mount, node.inode) in seen:
                raise Corrupt(filesystem=node.volume.id, detail=f"directory inode {node.inode} appears twice")
            if len(levels) >= limits.depth:
                raise TooLarge(path=path[:1024], size="the depth of directories", limit=limits.depth)
            seen.add((mount, node.inode))
            levels.append(_Level(node, path, mount, _names(node, suffixes)))


def _names(directory: Node, suffixes: tuple[str, ...] | None) -> Iterator[str]:
    try:
        links = directory.volume.entries(directory.inode)
    except NotFound:
        links = ()
    if suffixes is None:
        return iter([link.name for link in links])
    return iter([link.name for link in links if link.kind in _OPEN or link.name.endswith(suffixes)])


def _child(names: Namespace, directory: Node, name: str) -> Node | None:
    try:
        return names.child(directory, name)
    except NotFound:
        return None
