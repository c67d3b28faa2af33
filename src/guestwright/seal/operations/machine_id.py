"""The machine id, and D-Bus's copy of it.

virt-sysprep empties the file and then, in its customize step, writes one new id that all clones share
(guestfs-tools c2fddd84; RHBZ#1557042). Here the file ends empty, so that each clone's first boot makes an id
(machine-id(5)). With `uninitialized` it holds that word and mode 0444, which besides makes systemd run its
first-boot units (systemd's BUILDING_IMAGES). D-Bus's file is removed when it is a file of its own: systemd
copies an id found there into an empty machine-id (systemd-machine-id-setup(1)).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.errors import NotFound
from guestwright.guestfs.port import Entry, FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Remove, Severity, Truncate, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.option_values import flag
from guestwright.seal.textfile import read_text

ID: Final = "/etc/machine-id"
DBUS: Final = "/var/lib/dbus/machine-id"
UNINITIALIZED: Final = "uninitialized\n"
_REASON: Final = "identifies the machine to systemd, D-Bus, DHCP servers and log collectors"


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Leave no valid id behind."""
    first_boot = flag(options, "uninitialized")
    for entry in guest.fs.glob([ID, DBUS]):
        if entry.path == DBUS:
            if entry.stat.kind is FileKind.FILE:
                yield Remove(path=DBUS, reason=_REASON)
        elif (path := _target(guest, entry)) is not None:
            yield from _reset(guest, path, first_boot=first_boot)


def _target(guest: Guest, entry: Entry) -> str | None:
    """Where the id is kept: a symlink is followed unless D-Bus's file, which goes, is what it names."""
    if entry.stat.kind is FileKind.FILE:
        return entry.path
    if entry.stat.kind is not FileKind.SYMLINK:
        return None
    try:
        path = guest.fs.resolve(entry.path)
        kind = guest.fs.lstat(path).kind
    except NotFound:
        return None
    return path if kind is FileKind.FILE and path != DBUS else None


def _reset(guest: Guest, path: str, *, first_boot: bool) -> Iterator[Change]:
    stat = guest.fs.lstat(path)
    marked = stat.size == len(UNINITIALIZED) and read_text(guest.fs, path) == UNINITIALIZED
    if first_boot:
        if not marked or stat.mode != 0o444:
            yield Write(path=path, data=UNINITIALIZED.encode(), mode=0o444, mode_always=True, reason=_REASON)
    elif stat.size and not marked:
        yield Truncate(path=path, reason=_REASON)


OPERATION: Final = Operation(
    name="machine-id",
    summary="Empty the machine id, so that each clone makes its own",
    severity=Severity.ERROR,
    applies=conditions.unix,
    plan=plan,
    parity=True,
    source="virt-sysprep(1), machine-id; machine-id(5); systemd docs/BUILDING_IMAGES.md",
    options={
        "uninitialized": "write the word uninitialized instead of emptying: systemd runs its first-boot units"
    },
)
