"""Guests for the tests of operations, and what an operation wants of them in words short enough for rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from guestwright.guestfs.drivers.memory import Content, memory_guest
from guestwright.guestfs.port import Filesystem
from guestwright.seal import changes
from guestwright.seal.guest import Guest, OperatingSystem

SYSTEMS: Mapping[str, OperatingSystem] = {
    "debian": OperatingSystem(
        id="debian", family="debian", package_manager="apt", package_format="deb", init="systemd"
    ),
    "devuan": OperatingSystem(
        id="devuan", family="debian", package_manager="apt", package_format="deb", init="sysvinit"
    ),
    "rhel": OperatingSystem(
        id="rhel", family="rhel", package_manager="dnf", package_format="rpm", init="systemd"
    ),
    "rocky": OperatingSystem(
        id="rocky",
        id_like=("rhel", "centos", "fedora"),
        family="rhel",
        package_manager="dnf",
        package_format="rpm",
        init="systemd",
    ),
    "centos7": OperatingSystem(
        id="centos", family="rhel", package_manager="yum", package_format="rpm", init="systemd"
    ),
    "suse": OperatingSystem(
        id="opensuse-leap", family="suse", package_manager="zypper", package_format="rpm", init="systemd"
    ),
    "arch": OperatingSystem(
        id="arch", family="arch", package_manager="pacman", package_format="pacman", init="systemd"
    ),
    "alpine": OperatingSystem(
        id="alpine", family="alpine", package_manager="apk", package_format="apk", init="openrc"
    ),
    "void": OperatingSystem(
        id="void", family="void", package_manager="xbps", package_format="xbps", init="runit"
    ),
    "windows": OperatingSystem(type="windows"),
    "freebsd": OperatingSystem(type="freebsd"),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of a table: an operation, a guest, and what the operation must want of it.

    `wants` has lines like "remove /path"; see `words`. Everything else in `files` must be left alone.
    """

    operation: str
    files: Mapping[str, Content]
    wants: tuple[str, ...] = ()
    system: str = "debian"
    mounts: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    note: str = ""

    @property
    def ident(self) -> str:
        return f"{self.operation}{'-' if self.note else ''}{self.note.replace(' ', '-')}"


def make_guest(
    files: Mapping[str, Content],
    *,
    system: str = "debian",
    mounts: tuple[str, ...] = (),
    root: str = "disk0/p1",
    other: tuple[Filesystem, ...] = (),
) -> Guest:
    """An inspected guest in memory; `other`: filesystems that are there but not mounted."""
    fs = memory_guest(files, mounts=mounts, other=other)
    return Guest(
        fs=fs,
        os=SYSTEMS[system],
        filesystems=tuple(fs.filesystems()),
        mounts=tuple(fs.mounts().items()),
        root=root,
    )


def words(wanted: Iterable[changes.Change]) -> list[str]:
    """Changes as short lines; `!` after the verb: the data is zeroed."""
    return [_word(one) for one in wanted]


def _word(one: changes.Change) -> str:
    match one:
        case changes.Remove():
            return f"{'tree' if one.tree else 'remove'}{'!' * one.scrub} {one.path}"
        case changes.RemoveFiles():
            return f"files {one.top}{''.join(f' -{name}' for name in one.keep)}"
        case changes.Truncate():
            return f"truncate{'!' * one.scrub} {one.path}"
        case changes.Write():
            return f"write {one.path}"
        case changes.MakeDirectory():
            return f"mkdir {one.path}"
        case changes.MakeSymlink():
            return f"link {one.path}"
        case changes.SetUuid():
            return f"uuid {one.filesystem}"
        case changes.RenewLvmUuids():
            return "lvm"
        case changes.RunScript():
            return f"run {one.command}"
        case changes.Note():
            return f"note:{one.severity} {one.path}".rstrip()
    raise AssertionError(one)
