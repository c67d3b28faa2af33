from __future__ import annotations

import pytest

from guestwright.guestfs.drivers.memory import Content, File, Link, memory_guest
from guestwright.guestfs.errors import WrongKind
from guestwright.guestfs.port import GuestFS
from guestwright.seal.apply import Applier
from guestwright.seal.changes import (
    Change,
    MakeDirectory,
    MakeSymlink,
    Remove,
    RemoveFiles,
    SetMode,
    SetOwner,
    Truncate,
    Write,
)
from guestwright.seal.plan import ActionKind

FILES: dict[str, Content] = {
    "/etc/machine-id": File("abc\n", mode=0o444, uid=7),
    "/etc/empty": "",
    "/var/log/": None,
    "/var/log/a/b.log": "12345",
    "/var/log/c.log": "1",
    "/etc/localtime": Link("/usr/share/zoneinfo/UTC"),
}

CASES: dict[str, tuple[Change, list[ActionKind]]] = {
    "remove": (Remove(path="/etc/machine-id"), [ActionKind.REMOVE]),
    "remove missing": (Remove(path="/nowhere"), []),
    "remove directory": (Remove(path="/var/log"), [ActionKind.KEEP]),
    "remove tree": (Remove(path="/var/log", tree=True), [ActionKind.REMOVE]),
    "remove files": (RemoveFiles(top="/var/log", keep=("c.log",)), [ActionKind.REMOVE]),
    "remove no files": (RemoveFiles(top="/nowhere"), []),
    "truncate": (Truncate(path="/etc/machine-id"), [ActionKind.TRUNCATE]),
    "truncate empty": (Truncate(path="/etc/empty"), []),
    "rewrite": (Write(path="/etc/machine-id", data=b"x"), [ActionKind.REWRITE]),
    "create": (Write(path="/etc/new", data=b"x"), [ActionKind.CREATE]),
    "mkdir": (MakeDirectory(path="/opt/a/b"), [ActionKind.MKDIR] * 3),
    "mkdir there": (MakeDirectory(path="/var/log"), []),
    "symlink": (MakeSymlink(path="/etc/x", target="y"), [ActionKind.SYMLINK]),
    "symlink there": (MakeSymlink(path="/etc/localtime", target="/usr/share/zoneinfo/UTC"), []),
    "symlink other": (MakeSymlink(path="/etc/localtime", target="/etc/z"), [ActionKind.SYMLINK]),
    "symlink over file": (MakeSymlink(path="/etc/empty", target="/etc/z"), [ActionKind.SYMLINK]),
    "chmod": (SetMode(path="/etc/empty", mode=0o600), [ActionKind.CHMOD]),
    "chmod same": (SetMode(path="/etc/empty", mode=0o644), []),
    "chown": (SetOwner(path="/etc/empty", uid=1, gid=2), [ActionKind.CHOWN]),
    "chown same": (SetOwner(path="/etc/empty", uid=0, gid=0), []),
}


@pytest.mark.parametrize(("change", "kinds"), CASES.values(), ids=CASES.keys())
def test_table(change: Change, kinds: list[ActionKind]) -> None:
    actions = Applier(fs=memory_guest(FILES)).apply(change)
    assert [one.kind for one in actions] == kinds


@pytest.mark.parametrize("change", [one for one, _ in CASES.values()], ids=CASES.keys())
def test_applied_twice_changes_once(change: Change) -> None:
    fs = memory_guest(FILES)
    Applier(fs=fs).apply(change)
    again = [one for one in Applier(fs=fs).apply(change) if one.is_change]
    assert again == [] or isinstance(change, Write)


def guest() -> GuestFS:
    return memory_guest(FILES)


def test_strict_removal_of_a_directory_fails() -> None:
    with pytest.raises(WrongKind):
        Applier(fs=guest()).apply(Remove(path="/var/log", tolerant=False))


def test_rewrite_keeps_attributes_and_create_sets_them() -> None:
    fs = guest()
    Applier(fs=fs).apply(Write(path="/etc/machine-id", data=b"", mode=0o600))
    kept = fs.stat("/etc/machine-id")
    assert (kept.mode, kept.uid, kept.size) == (0o444, 7, 0)
    Applier(fs=fs).apply(Write(path="/etc/machine-id", data=b"", mode=0o600, mode_always=True))
    assert fs.stat("/etc/machine-id").mode == 0o600
    Applier(fs=fs).apply(Write(path="/etc/new", data=b"x", mode=0o640, uid=1, gid=2))
    new = fs.stat("/etc/new")
    assert (new.mode, new.uid, new.gid) == (0o640, 1, 2)


def test_counts_and_sizes() -> None:
    (action,) = Applier(fs=guest()).apply(Remove(path="/var/log", tree=True))
    assert (action.files, action.directories, action.size) == (2, 2, 6)


def test_secret_content_never_shows() -> None:
    change = Write(path="/etc/shadow", data=b"hunter2", secret=True)
    (action,) = Applier(fs=guest()).apply(change)
    assert "hunter2" not in repr(change) + repr(action)
