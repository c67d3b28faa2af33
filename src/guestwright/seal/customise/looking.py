"""How directives look at a guest before they say what to change."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.errors import NotFound
from guestwright.guestfs.port import FileKind, GuestFS, Stat
from guestwright.seal.changes import Change, MakeDirectory, SetMode, SetOwner, Write
from guestwright.seal.customise.checks import MAX_DATA
from guestwright.seal.customise.errors import GuestPathMissing

TEXT_LIMIT: Final = 1 << 20
"""Bytes of a file that is edited as text."""


def find(fs: GuestFS, path: str) -> Stat | None:
    """What is there, symlinks followed; None when there is nothing."""
    try:
        return fs.stat(path)
    except NotFound:
        return None


def find_itself(fs: GuestFS, path: str) -> Stat | None:
    """What is there, a last symlink not followed; None when there is nothing."""
    try:
        return fs.lstat(path)
    except NotFound:
        return None


def content(fs: GuestFS, path: str, *, limit: int = TEXT_LIMIT) -> bytes | None:
    """Content of a regular file; None when there is nothing at that path."""
    try:
        return fs.read(path, limit=limit)
    except NotFound:
        return None


def link_target(fs: GuestFS, path: str) -> str | None:
    """Where a symlink points; None when there is nothing or something else."""
    there = find_itself(fs, path)
    return fs.readlink(path) if there is not None and there.kind is FileKind.SYMLINK else None


def need(fs: GuestFS, path: str, advice: str = "") -> Stat:
    """What is there, or `GuestPathMissing`."""
    there = find(fs, path)
    if there is None:
        raise GuestPathMissing(path=path, problem="is not in the guest", advice=advice)
    return there


def need_file(fs: GuestFS, path: str) -> Stat:
    """A regular file, or `GuestPathMissing`."""
    there = need(fs, path)
    if there.kind is not FileKind.FILE:
        raise GuestPathMissing(path=path, problem=f"is a {there.kind}, not a file", advice="name a file")
    return there


def need_parent(fs: GuestFS, path: str) -> None:
    """Make sure that the directory of a new file is there."""
    parent = posixpath.dirname(path.rstrip("/")) or "/"
    there = need(fs, parent, f"create it first, for example with --mkdir {parent}")
    if there.kind is not FileKind.DIRECTORY:
        raise GuestPathMissing(path=parent, problem=f"is a {there.kind}, not a directory", advice="")


def put(
    fs: GuestFS,
    path: str,
    data: bytes,
    *,
    reason: str,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    exact: bool = False,
    secret: bool = False,
    made_parent: bool = False,
) -> Iterator[Change]:
    """The changes that give a file this content; none when it has it.

    Args:
        fs: the guest's files.
        path: what to write; its directory must be there.
        data: the content.
        reason: for the report.
        mode: permission bits of a new file, and of an existing one when `exact`.
        uid: owner, likewise.
        gid: group, likewise.
        exact: see `mode`.
        secret: the content must not be shown.
        made_parent: the directory is made by a change just before this one.
    """
    there = find(fs, path)
    if there is None and not made_parent:
        need_parent(fs, path)
    if there is None or content(fs, path, limit=max(MAX_DATA, len(data))) != data:
        yield Write(
            path=path, data=data, mode=mode, uid=uid, gid=gid, mode_always=exact, secret=secret, reason=reason
        )
    elif exact and there.mode != mode:
        yield SetMode(path=path, mode=mode, reason=reason)
    if exact and there is not None and (there.uid, there.gid) != (uid, gid):
        yield SetOwner(path=fs.resolve(path), uid=uid, gid=gid, reason=reason)


def put_directory(
    fs: GuestFS, path: str, *, reason: str, mode: int = 0o755, uid: int = 0, gid: int = 0
) -> Iterator[Change]:
    """The change that creates a directory; none when there is one."""
    there = find(fs, path)
    if there is None:
        yield MakeDirectory(path=path, mode=mode, uid=uid, gid=gid, reason=reason)
    elif there.kind is not FileKind.DIRECTORY:
        raise GuestPathMissing(path=path, problem=f"is a {there.kind}, not a directory", advice="")
