"""Copying and moving within the guest: as plain changes, so that a plan shows every file.

Kept: content, mode, owner, symlinks. Not kept: extended attributes (new files get the label of their new
place), hard links (each name becomes a file of its own), times.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from guestwright.guestfs.port import Entry, FileKind, GuestFS
from guestwright.seal.changes import Change, MakeSymlink, Note, Remove, SetOwner
from guestwright.seal.customise.checks import MAX_DATA
from guestwright.seal.customise.directives import CopyInside, MoveInside
from guestwright.seal.customise.errors import GuestPathMissing
from guestwright.seal.customise.looking import (
    content,
    find,
    find_itself,
    link_target,
    need_parent,
    put,
    put_directory,
)
from guestwright.seal.guest import Guest

MAX_ENTRIES: Final = 4096
MAX_TOTAL: Final = 64 << 20
"""Bytes of all files of one copy."""

_REASON: Final = "copied as asked for"


def plan_copy(directive: CopyInside, guest: Guest) -> Iterator[Change]:
    """Copy a file or a directory.

    A file goes into `dest` when that is a directory, as with cp. A directory's content always becomes the
    content of `dest`: with cp's rule a second run would copy it one level deeper.

    Raises:
        GuestPathMissing: no such source, or it is too large for this.
    """
    source = _source(guest.fs, directive.source)
    if source is None:
        raise GuestPathMissing(path=directive.source, problem="is not in the guest", advice="")
    yield from _copy(guest.fs, source, _dest(guest.fs, source, directive.dest))


def plan_move(directive: MoveInside, guest: Guest) -> Iterator[Change]:
    """Move: copy, then remove. Done already when only the destination is there."""
    source = _source(guest.fs, directive.source)
    if source is None:
        if find_itself(guest.fs, directive.dest) is None:
            raise GuestPathMissing(path=directive.source, problem="is not in the guest", advice="")
        return
    yield from _copy(guest.fs, source, _dest(guest.fs, source, directive.dest))
    is_directory = source.stat.kind is FileKind.DIRECTORY
    yield Remove(path=source.path, tree=is_directory, tolerant=False, reason="moved as asked for")


@dataclass(slots=True)
class _Budget:
    top: str
    entries: int = 0
    size: int = 0

    def take(self, entry: Entry) -> None:
        self.entries += 1
        self.size += entry.stat.size if entry.stat.kind is FileKind.FILE else 0
        if self.entries > MAX_ENTRIES or self.size > MAX_TOTAL or entry.stat.size > MAX_DATA:
            raise GuestPathMissing(
                path=self.top,
                problem="is too large to copy",
                advice=f"at most {MAX_ENTRIES} files, {MAX_DATA >> 20} MiB each, {MAX_TOTAL >> 20} in all",
            )


def _source(fs: GuestFS, path: str) -> Entry | None:
    stat = find_itself(fs, path)
    return None if stat is None else Entry(path=path.rstrip("/"), stat=stat)


def _dest(fs: GuestFS, source: Entry, dest: str) -> str:
    there = find(fs, dest)
    if source.stat.kind is not FileKind.DIRECTORY and there is not None and there.kind is FileKind.DIRECTORY:
        return posixpath.join(dest, posixpath.basename(source.path))
    return dest.rstrip("/")


def _copy(fs: GuestFS, source: Entry, dest: str) -> Iterator[Change]:
    budget = _Budget(top=source.path)
    below: list[Entry] = []
    if source.stat.kind is FileKind.DIRECTORY:
        for entry in fs.walk(source.path):
            budget.take(entry)
            below.append(entry)
    else:
        budget.take(source)
    if find_itself(fs, dest) is None:
        need_parent(fs, dest)
    yield from _one(fs, source, dest)
    real = fs.resolve(source.path) if below else source.path
    for entry in below:
        prefix = source.path if entry.path.startswith(f"{source.path}/") else real
        yield from _one(fs, entry, dest + entry.path[len(prefix) :])


def _one(fs: GuestFS, entry: Entry, dest: str) -> Iterator[Change]:
    stat = entry.stat
    match stat.kind:
        case FileKind.DIRECTORY:
            yield from put_directory(fs, dest, mode=stat.mode, uid=stat.uid, gid=stat.gid, reason=_REASON)
        case FileKind.SYMLINK:
            target = fs.readlink(entry.path)
            if link_target(fs, dest) != target:
                yield MakeSymlink(path=dest, target=target, reason=_REASON)
                if (stat.uid, stat.gid) != (0, 0):
                    yield SetOwner(path=dest, uid=stat.uid, gid=stat.gid, reason=_REASON)
        case FileKind.FILE:
            data = content(fs, entry.path, limit=MAX_DATA) or b""
            yield from put(
                fs,
                dest,
                data,
                mode=stat.mode,
                uid=stat.uid,
                gid=stat.gid,
                exact=True,
                secret=True,
                reason=_REASON,
                made_parent=True,
            )
        case _:
            yield Note(path=entry.path, text=f"a {stat.kind} is not copied")
