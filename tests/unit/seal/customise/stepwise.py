"""Applies the changes of directives one by one, as the engine must, and shows the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guestwright.guestfs.drivers.memory import Content, memory_guest
from guestwright.seal.apply import Applier
from guestwright.seal.changes import Change
from guestwright.seal.customise.directives import Directive
from guestwright.seal.customise.operation import CUSTOMIZE
from guestwright.seal.guest import Guest, OperatingSystem

SYSTEMS = {
    "debian12": OperatingSystem(
        id="debian", family="debian", version="12", init="systemd", hostname="old.lan"
    ),
    "ubuntu22": OperatingSystem(
        id="ubuntu", id_like=("debian",), family="debian", version="22.04", init="systemd", hostname="old.lan"
    ),
    "rocky9": OperatingSystem(id="rocky", family="rhel", version="9.4", init="systemd", hostname="old.lan"),
    "centos6": OperatingSystem(id="centos", family="rhel", version="6", init="upstart", hostname="old.lan"),
    "sles11": OperatingSystem(id="sles", family="suse", version="11.4", init="sysvinit", hostname="old.lan"),
    "leap15": OperatingSystem(id="opensuse-leap", family="suse", version="15.5", init="systemd"),
    "alpine": OperatingSystem(id="alpine", family="alpine", version="3.20", init="openrc", hostname="old"),
    "gentoo": OperatingSystem(id="gentoo", family="gentoo", init="openrc", hostname="old"),
    "arch": OperatingSystem(id="arch", family="arch", init="systemd", hostname="old"),
    "void": OperatingSystem(id="void", family="void", init="runit", hostname="old"),
    "freebsd": OperatingSystem(type="freebsd", id="freebsd"),
}


def guest_of(system: str, files: Mapping[str, Content], mounts: Sequence[str] = ()) -> Guest:
    """A guest of one of `SYSTEMS`."""
    fs = memory_guest({"/etc/": None, **files}, mounts=mounts)
    return Guest(fs=fs, os=SYSTEMS[system])


def customise(guest: Guest, *wanted: Directive) -> list[Change]:
    """Apply directives; afterwards nothing may be left to do."""
    done = _once(guest, wanted)
    again = [one for one in _once(guest, wanted) if type(one).__name__ != "Note"]
    assert again == [], "a second run must find nothing to do"
    return done


def _once(guest: Guest, wanted: Sequence[Directive]) -> list[Change]:
    applier = Applier(fs=guest.fs)
    done = []
    for change in CUSTOMIZE.plan(guest, {"directives": tuple(wanted)}):
        applier.apply(change)
        done.append(change)
    return done


def text(guest: Guest, path: str) -> str:
    """Content of a file."""
    return guest.fs.read(path).decode()
