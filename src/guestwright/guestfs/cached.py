"""A volume with what was read of it remembered, so that looking up a path costs dictionary look-ups.

Nobody else changes the volume, so an answer holds until we change something ourselves. Every change goes
through this class: `change…` forgets what the change may make wrong *before* handing out the volume, and a
removal that fails half-way forgets everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Final

from guestwright.guestfs.errors import NotFound
from guestwright.guestfs.port import FileKind, Removed, Stat
from guestwright.guestfs.volume import Link, Volume

_LIMIT: Final = 400_000
"""Remembered names and inodes; a hostile guest must not fill the memory. Beyond it we start afresh."""


class CachedVolume:
    """Reads through a cache.

    Attributes:
        volume: what is read.
        id: its filesystem's id.
        root: its root inode.
    """

    __slots__ = (
        "_count",
        "_linked",
        "_listings",
        "_names",
        "_recycled",
        "_stats",
        "_targets",
        "id",
        "root",
        "volume",
    )

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.id = volume.filesystem.id
        self.root = volume.root
        self._names: dict[int, dict[str, int | None]] = {}
        self._listings: dict[int, dict[str, Link]] = {}
        self._stats: dict[int, Stat] = {}
        self._targets: dict[int, str] = {}
        self._linked: set[int] = set()
        self._recycled = False
        self._count = 0

    def child(self, directory: int, name: str) -> int | None:
        """Inode of a name in a directory; None when it is not there."""
        names = self._names.get(directory)
        if names is None:
            names = self._names[directory] = {}
        if name in names:
            return names[name]
        if directory in self._listings:
            return None
        try:
            inode: int | None = self.volume.lookup(directory, name)
        except NotFound:
            inode = None
        names[name] = inode
        self._grow(1)
        return inode

    def stat(self, inode: int) -> Stat:
        """The inode's attributes."""
        stat = self._stats.get(inode)
        if stat is None:
            stat = self._stats[inode] = self.volume.stat(inode)
            if stat.links > 1 and stat.kind is not FileKind.DIRECTORY:
                self._linked.add(inode)
            self._grow(1)
        return stat

    def entries(self, directory: int) -> tuple[Link, ...]:
        """The names in a directory, sorted."""
        listing = self._listings.get(directory)
        if listing is None:
            links = sorted(self.volume.entries(directory), key=_name_of)
            listing = self._listings[directory] = {link.name: link for link in links}
            self._names[directory] = {link.name: link.inode for link in links}
            self._grow(2 * len(links))
        return tuple(listing.values())

    def target(self, inode: int) -> str:
        """Target of a symlink."""
        target = self._targets.get(inode)
        if target is None:
            target = self._targets[inode] = self.volume.readlink(inode)
            self._grow(1)
        return target

    def change(self, inode: int) -> Volume:
        """The volume, for a change to one inode's content or attributes."""
        self._stats.pop(inode, None)
        return self.volume

    def change_new(self, directory: int) -> Volume:
        """The volume, for adding a name to a directory."""
        if self._recycled:  # inode numbers of a tree that is gone may come back as something else
            self.forget()
        self._stats.pop(directory, None)
        self._listings.pop(directory, None)
        self._names.pop(directory, None)
        return self.volume

    def unlink(self, directory: int, names: Collection[str], *, scrub: bool) -> Removed:
        """`Volume.unlink`; what else was remembered of the directory stays true."""
        known = self._names.get(directory, {})
        inodes = [known.get(name) for name in names]
        if None in inodes:  # not looked up by this name, yet perhaps known by another
            self.forget()
        return self._remove(
            directory, names, inodes, partial(self.volume.unlink, directory, names, scrub=scrub)
        )

    def remove_tree(self, directory: int, name: str, *, scrub: bool) -> Removed:
        """`Volume.remove_tree`; nothing of the tree can be looked up any more, so nothing of it is forgotten.

        But for what has more names than one: it may live on elsewhere, with a link less.
        """
        self._recycled = True
        tree = partial(self.volume.remove_tree, directory, name, scrub=scrub)
        return self._remove(directory, (name,), tuple(self._linked), tree)

    def _remove(
        self,
        directory: int,
        names: Collection[str],
        inodes: Iterable[int | None],
        remove: Callable[[], Removed],
    ) -> Removed:
        try:
            removed = remove()
        except BaseException:  # half of it may have happened
            self.forget()
            raise
        self._stats.pop(directory, None)
        known, listing = self._names.get(directory, {}), self._listings.get(directory, {})
        for name in names:
            known.pop(name, None)
            listing.pop(name, None)
        for inode in inodes:
            if inode is not None:
                self._stats.pop(inode, None)
                self._targets.pop(inode, None)
        return removed

    def _grow(self, by: int) -> None:
        self._count += by
        if self._count > _LIMIT:
            self.forget()

    def forget(self) -> None:
        """Read everything anew: the volume was changed in ways that are hard to follow."""
        self._names.clear()
        self._listings.clear()
        self._stats.clear()
        self._targets.clear()
        self._linked.clear()
        self._recycled = False
        self._count = 0


def _name_of(link: Link) -> str:
    return link.name
