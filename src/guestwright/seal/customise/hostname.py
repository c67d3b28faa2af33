"""The host name, where each family of systems keeps it.

Places as virt-customize has them, with systems that it leaves out (Arch, Alpine, Void, Gentoo). Besides the
name itself, the old name is replaced in /etc/hosts, and PRETTY_HOSTNAME in /etc/machine-info, which would go
on showing the old name.
"""

from __future__ import annotations

from collections.abc import Iterator

from guestwright.guestfs.port import FileKind
from guestwright.seal.changes import Change
from guestwright.seal.customise.directives import SetHostname
from guestwright.seal.customise.errors import CustomiseUnsupported
from guestwright.seal.customise.looking import content, find, find_itself, put
from guestwright.seal.customise.text_lines import renamed_in_hosts, with_variable
from guestwright.seal.guest import Guest

HOSTNAME = "/etc/hostname"
_REASON = "host name as asked for"
_PLAIN = {"debian", "arch", "alpine", "void"}


def plan_hostname(directive: SetHostname, guest: Guest) -> Iterator[Change]:
    """Set the host name.

    Raises:
        CustomiseUnsupported: not Linux, or nobody knows where this system keeps its name.
    """
    name = directive.name
    place = _place(guest)
    old = _old_name(guest)
    if place == HOSTNAME:
        yield from put(guest.fs, HOSTNAME, f"{name}\n".encode("ascii"), reason=_REASON)
    else:
        path, variable = place.split(":")
        data = content(guest.fs, path) or b""
        yield from put(guest.fs, path, with_variable(data, variable, name, add=True), reason=_REASON)
    if guest.os.family == "suse":
        yield from _suse(guest, name)
    yield from _machine_info(guest, name)
    hosts = content(guest.fs, "/etc/hosts")
    if hosts:
        yield from put(guest.fs, "/etc/hosts", renamed_in_hosts(hosts, old, name), reason=_REASON)


def _place(guest: Guest) -> str:
    """`HOSTNAME`, or "file:VARIABLE"."""
    system = guest.os
    if system.type == "linux":
        if system.family == "rhel" and system.id != "fedora" and 0 < system.major < 7:
            return "/etc/sysconfig/network:HOSTNAME"
        if system.family == "gentoo" and system.init == "openrc":
            return "/etc/conf.d/hostname:hostname"
        known = system.family in {*_PLAIN, "rhel", "suse", "gentoo"} or system.init == "systemd"
        if known or find(guest.fs, HOSTNAME) is not None:
            return HOSTNAME
    raise CustomiseUnsupported(
        what="host name",
        problem=f"nobody knows where {system.pretty_name or system.id or 'this system'} keeps it",
        advice="write the right file with --write FILE:CONTENT",
    )


def _old_name(guest: Guest) -> str:
    """The name before sealing; another operation may have emptied the file by now."""
    if guest.os.hostname:
        return guest.os.hostname
    lines = (content(guest.fs, HOSTNAME) or b"").split(b"\n", 1)
    return lines[0].strip().decode("utf-8", "surrogateescape")


def _suse(guest: Guest, name: str) -> Iterator[Change]:
    """SUSE before 12 reads /etc/HOSTNAME; later ones have it as a symlink to /etc/hostname, if at all."""
    there = find_itself(guest.fs, "/etc/HOSTNAME")
    if there is not None and there.kind is FileKind.FILE:
        yield from put(guest.fs, "/etc/HOSTNAME", f"{name}\n".encode("ascii"), reason=_REASON)


def _machine_info(guest: Guest, name: str) -> Iterator[Change]:
    data = content(guest.fs, "/etc/machine-info")
    if data:
        new = with_variable(data, "PRETTY_HOSTNAME", name, add=False)
        yield from put(guest.fs, "/etc/machine-info", new, reason=_REASON)
