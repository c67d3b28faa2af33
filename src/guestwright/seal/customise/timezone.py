"""The time zone: the symlink /etc/localtime, and the files in which older systems repeat its name."""

from __future__ import annotations

from collections.abc import Iterator

from guestwright.guestfs.port import FileKind
from guestwright.seal.changes import Change, MakeSymlink
from guestwright.seal.customise.directives import SetTimezone
from guestwright.seal.customise.errors import CustomiseUnsupported, GuestPathMissing
from guestwright.seal.customise.looking import content, find, link_target, put
from guestwright.seal.customise.text_lines import with_variable
from guestwright.seal.guest import Guest

ZONES = "/usr/share/zoneinfo"
_REASON = "time zone as asked for"


def plan_timezone(directive: SetTimezone, guest: Guest) -> Iterator[Change]:
    """Set the time zone.

    Raises:
        CustomiseUnsupported: not Linux.
        GuestPathMissing: the guest's tzdata does not have the zone.
    """
    if guest.os.type != "linux":
        raise CustomiseUnsupported(what="time zone", problem="for Linux guests only", advice="")
    fs, name = guest.fs, directive.name
    there = find(fs, f"{ZONES}/{name}")
    if there is None or there.kind is not FileKind.FILE:
        raise GuestPathMissing(
            path=f"{ZONES}/{name}",
            problem="is not in the guest",
            advice="check the spelling (Area/City), and that the guest has tzdata installed",
        )
    relative = f"../usr/share/zoneinfo/{name}"  # what timedatectl writes: right from outside the guest, too
    if link_target(fs, "/etc/localtime") not in {relative, f"{ZONES}/{name}"}:
        yield MakeSymlink(path="/etc/localtime", target=relative, reason=_REASON)
    debian = guest.os.family == "debian" and guest.os.id == "debian" and 0 < guest.os.major < 13
    if debian or find(fs, "/etc/timezone") is not None:
        yield from put(fs, "/etc/timezone", f"{name}\n".encode("ascii"), reason=_REASON)
    clock = content(fs, "/etc/sysconfig/clock")
    if clock:  # Enterprise Linux 6 and SUSE
        new = with_variable(clock, "ZONE", name, add=False)
        new = with_variable(new, "TIMEZONE", name, add=False)
        yield from put(fs, "/etc/sysconfig/clock", new, reason=_REASON)
