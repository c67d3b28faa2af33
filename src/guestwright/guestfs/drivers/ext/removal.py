"""Removing names: many from one directory in one pass, and whole trees at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from guestwright.guestfs.drivers.ext import release
from guestwright.guestfs.drivers.ext.directory import KINDS, Directories
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.errors import NotFound, WrongKind
from guestwright.guestfs.port import FileKind, Removed

MAYBE_DIRECTORY: Final = frozenset({0, KINDS.index(FileKind.DIRECTORY)})


def unlink(
    handle: Handle, directories: Directories, directory: int, names: Collection[str], *, scrub: bool
) -> Removed:
    """Remove names that are not directories.

    Raises:
        NotFound: a name is not there; nothing was changed.
        WrongKind: one is a directory; nothing was changed.
        Corrupt: a name points to an unused inode.
    """
    listing = directories.listing(directory)
    try:
        entries = [listing[name] for name in set(names)]
    except KeyError:
        raise NotFound(path="") from None
    for number, kind in entries:
        if is_directory(handle, number, kind):
            raise WrongKind(path="", found=FileKind.DIRECTORY, expected="something else")
    if not entries:
        return Removed()
    handle.begin_allocation()
    directories.remove(directory, names)
    size = sum(release.drop_link(handle, number, scrub=scrub) for number, _ in sorted(entries))
    return Removed(files=len(entries), size=size)


def remove_tree(
    handle: Handle, directories: Directories, directory: int, name: str, *, scrub: bool
) -> Removed:
    """Remove a directory with everything below it.

    The entries of the directories that go are not removed one by one: their blocks are freed as they are.
    Hard links that live elsewhere keep their inode.

    Raises:
        NotFound: no such name.
        WrongKind: not a directory.
        Corrupt: directories form a loop or have several parents, or a name points to an unused inode.
    """
    top = directories.lookup(directory, name)
    if not handle.is_directory(top):
        raise WrongKind(path="", found=handle.inode(top).kind, expected=FileKind.DIRECTORY)
    handle.begin_allocation()
    order = _directories(handle, directories, top, directory)
    files = size = 0
    for number in reversed(order):
        inode = handle.inode(number)
        # In the order of the inode tables, whose blocks are then read and written once.
        for child, _ in sorted(directories.children(inode)):
            if child not in order:
                files += 1
                size += release.drop_link(handle, child, scrub=scrub)
        directories.forget(number)
        release.free(handle, inode)
    directories.remove(directory, [name])
    drop_parent_link(handle, directory)
    return Removed(files=files, directories=len(order), size=size)


def drop_parent_link(handle: Handle, number: int) -> None:
    """A sub-directory is gone: one link less, but for directories too large to count (1 means "many")."""
    inode = handle.inode(number)
    if inode.links > 2:
        inode.set16(26, inode.links - 1)
        handle.write_inode(inode)


def _directories(handle: Handle, directories: Directories, top: int, parent: int) -> dict[int, None]:
    """All directories from `top` down, parents first, each proved to belong where it was found."""
    order: dict[int, None] = {}
    waiting = [(top, parent)]
    while waiting:
        number, above = waiting.pop()
        inode = handle.inode(number)
        if number in order or number < handle.super.first_inode or inode.links == 0:
            raise handle.corrupt(f"directory {number} is in a loop, reserved or not in use")
        if directories.parent(inode) != above:
            raise handle.corrupt(f"directory {number} is not a child of directory {above}")
        order[number] = None
        waiting.extend(
            (child, number)
            for child, kind in directories.children(inode)
            if is_directory(handle, child, kind)
        )
    return order


def is_directory(handle: Handle, number: int, kind: int) -> bool:
    """Whether an entry is one of a directory. Its inode is asked unless the entry's type byte denies it.

    An entry that lies is found out when its inode is released (`release.drop_link`).
    """
    return kind in MAYBE_DIRECTORY and handle.is_directory(number)
