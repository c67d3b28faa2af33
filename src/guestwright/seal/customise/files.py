"""Directives about single files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from guestwright.guestfs.port import FileKind
from guestwright.seal.changes import Change, MakeSymlink, Remove, SetMode, SetOwner, Truncate, Write
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.checks import MAX_DATA
from guestwright.seal.customise.errors import GuestPathMissing
from guestwright.seal.customise.looking import (
    content,
    find,
    find_itself,
    link_target,
    need,
    need_file,
    need_parent,
    put,
    put_directory,
)
from guestwright.seal.customise.text_lines import with_line
from guestwright.seal.guest import Guest

MAX_WALK: Final = 200_000
_REASON: Final = "as asked for"


def plan_write(directive: d.WriteFile, guest: Guest) -> Iterator[Change]:
    """Write a file."""
    yield from put(
        guest.fs,
        directive.path,
        directive.data,
        mode=directive.mode,
        uid=directive.uid,
        gid=directive.gid,
        secret=True,
        reason=_REASON,
    )


def plan_upload(directive: d.UploadFile, guest: Guest) -> Iterator[Change]:
    """Write a file with exactly this mode and owner. Into a directory only by the full name."""
    there = find(guest.fs, directive.path)
    if there is not None and there.kind is FileKind.DIRECTORY:
        raise GuestPathMissing(path=directive.path, problem="is a directory", advice="add the file's name")
    yield from put(
        guest.fs,
        directive.path,
        directive.data,
        mode=directive.mode,
        uid=directive.uid,
        gid=directive.gid,
        exact=True,
        secret=True,
        reason=_REASON,
    )


def plan_append(directive: d.AppendLine, guest: Guest) -> Iterator[Change]:
    """Append a line that is not there."""
    old = content(guest.fs, directive.path, limit=MAX_DATA)
    new = with_line(old or b"", directive.line.encode("utf-8", "surrogateescape"))
    if old is None or new != old:
        yield from put(guest.fs, directive.path, new, secret=True, reason="line appended as asked for")


def plan_mkdir(directive: d.MakeDirectories, guest: Guest) -> Iterator[Change]:
    """Create a directory."""
    yield from put_directory(
        guest.fs,
        directive.path,
        mode=directive.mode,
        uid=directive.uid,
        gid=directive.gid,
        reason=_REASON,
    )


def plan_delete(directive: d.Delete, guest: Guest) -> Iterator[Change]:
    """Remove what matches. A mount point is emptied and stays."""
    mounts = guest.fs.mounts()
    gone = ""
    for entry in guest.fs.glob([directive.glob]):
        if gone and entry.path.startswith(gone):
            continue
        is_directory = entry.stat.kind is FileKind.DIRECTORY
        if is_directory:
            gone = entry.path.rstrip("/") + "/"
            if entry.path in mounts and not guest.fs.listdir(entry.path):
                continue
        yield Remove(
            path=entry.path, tree=is_directory, scrub=directive.scrub, tolerant=False, reason=_REASON
        )


def plan_truncate(directive: d.TruncateFile, guest: Guest) -> Iterator[Change]:
    """Empty a file."""
    if need_file(guest.fs, directive.path).size:
        yield Truncate(path=guest.fs.resolve(directive.path), reason=_REASON)


def plan_truncate_recursive(directive: d.TruncateRecursive, guest: Guest) -> Iterator[Change]:
    """Empty all files below a directory."""
    need(guest.fs, directive.path)
    found = list(islice(guest.fs.walk(directive.path), MAX_WALK + 1))
    if len(found) > MAX_WALK:
        advice = "name smaller directories"
        raise GuestPathMissing(path=directive.path, problem=f"has over {MAX_WALK} entries", advice=advice)
    for entry in found:
        if entry.stat.kind is FileKind.FILE and entry.stat.size:
            yield Truncate(path=entry.path, reason=_REASON)


def plan_touch(directive: d.Touch, guest: Guest) -> Iterator[Change]:
    """Create an empty file."""
    if find(guest.fs, directive.path) is None:
        need_parent(guest.fs, directive.path)
        yield Write(path=directive.path, data=b"", reason=_REASON)


def plan_chmod(directive: d.Chmod, guest: Guest) -> Iterator[Change]:
    """Set permission bits."""
    if need(guest.fs, directive.path).mode != directive.mode:
        yield SetMode(path=directive.path, mode=directive.mode, reason=_REASON)


def plan_chown(directive: d.Chown, guest: Guest) -> Iterator[Change]:
    """Set the owner."""
    there = find_itself(guest.fs, directive.path) or need(guest.fs, directive.path)
    if (there.uid, there.gid) != (directive.uid, directive.gid):
        yield SetOwner(path=directive.path, uid=directive.uid, gid=directive.gid, reason=_REASON)


def plan_link(directive: d.LinkTo, guest: Guest) -> Iterator[Change]:
    """Create symlinks."""
    for link in directive.links:
        if link_target(guest.fs, link) == directive.target:
            continue
        there = find_itself(guest.fs, link)
        if there is None:
            need_parent(guest.fs, link)
        elif there.kind is FileKind.DIRECTORY:
            raise GuestPathMissing(path=link, problem="is a directory", advice="give the link's full name")
        yield MakeSymlink(path=link, target=directive.target, reason=_REASON)
