"""All default operations over the lab's guests: no decoy is touched, and the second run finds nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from guestwright.guestfs.drivers.memory import Content, Directory, File, HardLink, Link, Special, memory_guest
from guestwright.guestfs.errors import GuestFSError
from guestwright.guestfs.port import FileKind, GuestFS
from guestwright.seal.changes import Note
from guestwright.seal.guest import Guest
from guestwright.seal.registry import OPERATIONS
from lab.artefacts import Item, Kind, tree
from tests.support.apply_changes import apply_changes
from tests.support.sealing import SYSTEMS

LAB = {
    "debian12": "debian",
    "ubuntu2404": "debian",
    "rhel9": "rhel",
    "rocky9": "rocky",
    "centos7": "centos7",
    "leap15": "suse",
}
MAX_CALLS = 160


def content(item: Item) -> Content:
    match item.kind:
        case Kind.DIRECTORY:
            return Directory(mode=item.mode, uid=item.uid, gid=item.gid)
        case Kind.FILE:
            return File(item.content, mode=item.mode, uid=item.uid, gid=item.gid, xattrs=item.xattrs)
        case Kind.SYMLINK:
            return Link(item.target)
        case Kind.HARD_LINK:
            return HardLink(item.target)
        case Kind.FIFO | Kind.SOCKET:
            return Special(FileKind.FIFO)


class Counting:
    """Counts the calls that go through the port."""

    def __init__(self, fs: GuestFS) -> None:
        self.fs = fs
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.fs, name)

        def call(*args: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return method(*args, **named)

        return call


def seal(guest: Guest, fs: GuestFS) -> list[str]:
    changed = []
    for operation in OPERATIONS:
        if operation.default and not operation.applies(guest):
            wanted = list(operation.plan(guest, {"seed": "00"}))
            apply_changes(fs, wanted)
            changed += [f"{operation.name} {one}" for one in wanted if not isinstance(one, Note)]
    return changed


def survives(fs: GuestFS, item: Item) -> bool:
    try:
        if item.kind is Kind.FILE:
            return fs.read(item.path) == item.content
        if item.kind is Kind.SYMLINK:
            return fs.readlink(item.path) == item.target
        return bool(fs.lstat(item.path))
    except GuestFSError:
        return False


@pytest.mark.parametrize("system", LAB)
def test_decoys_survive_and_the_second_run_finds_nothing(system: str) -> None:
    items = tree(system)
    fs = memory_guest({item.path: content(item) for item in items})
    counting: Any = Counting(fs)
    guest = Guest(fs=counting, os=SYSTEMS[LAB[system]], mounts=(("/", "disk0/p1"),), root="disk0/p1")
    assert seal(guest, fs)
    assert counting.calls.total() <= MAX_CALLS
    assert [item.path for item in items if not item.op and not survives(fs, item)] == []
    counting.calls.clear()
    assert seal(guest, fs) == []
    assert counting.calls.total() <= MAX_CALLS
