"""Applies changes to a guest, by hand: a second opinion on what an operation's changes amount to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from guestwright.guestfs.errors import NotFound
from guestwright.guestfs.port import GuestFS
from guestwright.seal import changes


def apply_changes(fs: GuestFS, wanted: Iterable[changes.Change]) -> None:
    """Do what the changes say; a path that is not there, or of the wrong kind, is an error here."""
    for one in list(wanted):
        match one:
            case changes.Remove():
                fs.remove(one.path, recursive=one.tree, scrub=one.scrub)
            case changes.RemoveFiles():
                fs.remove_files(one.top, keep=one.keep)
            case changes.Truncate():
                fs.truncate(one.path, scrub=one.scrub)
            case changes.Write():
                fs.write(one.path, one.data, mode=one.mode, uid=one.uid, gid=one.gid)
                if one.mode_always:
                    fs.chmod(one.path, one.mode)
            case changes.MakeDirectory():
                _make(fs, one.path)
            case changes.MakeSymlink():
                fs.symlink(one.target, one.path)
            case changes.Note() | changes.SetUuid() | changes.RenewLvmUuids() | changes.RunScript():
                pass
            case _:
                raise AssertionError(f"not expected of an operation: {one}")


def _make(fs: GuestFS, path: str) -> None:
    try:
        fs.stat(path)
    except NotFound:
        _make(fs, posixpath.dirname(path))
        fs.mkdir(path)
