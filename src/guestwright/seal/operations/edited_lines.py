"""Lines of interface configuration that belong to one machine: host names and hardware addresses.

Unlike virt-sysprep, which rewrites every file, only files that hold such a line are written. As there, a line
that is indented stays, and what is written ends in a line feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from guestwright.base.record import record
from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.textfile import assigns, encode, filter_lines, read_text

IFCFG: Final = "/etc/sysconfig/network-scripts/ifcfg-*"


@record
class LineDropper:
    """Planner that drops lines from files.

    Attributes:
        globs: the files.
        drop: which lines go.
        reason: why.
    """

    globs: tuple[str, ...]
    drop: Callable[[str], bool]
    reason: str

    def __call__(self, guest: Guest, options: Options) -> Iterator[Change]:
        """See `Planner`."""
        del options
        for entry in guest.fs.glob(self.globs):
            if entry.stat.kind not in {FileKind.FILE, FileKind.SYMLINK}:
                continue
            text = read_text(guest.fs, entry.path)
            left = None if text is None else filter_lines(text, lambda line: not self.drop(line))
            if left is not None:
                left += "" if not left or left.endswith("\n") else "\n"
                yield Write(path=entry.path, data=encode(left), reason=self.reason)


def _is_hwaddress(line: str) -> bool:
    """`hwaddress [class] address` of interfaces(5)."""
    return line.split()[:1] == ["hwaddress"]


OPERATIONS: Final = (
    Operation(
        name="net-hostname",
        summary="Remove the host name from interface configuration",
        severity=Severity.WARNING,
        applies=conditions.family("rhel"),
        plan=LineDropper(
            globs=(IFCFG,),
            drop=assigns("HOSTNAME", "DHCP_HOSTNAME"),
            reason="clones would announce the old machine's name to the DHCP server",
        ),
        parity=True,
        source="virt-sysprep(1), net-hostname; Rocky Linux and AlmaLinux included by ID_LIKE",
    ),
    Operation(
        name="net-hwaddr",
        summary="Remove the hardware address from interface configuration",
        severity=Severity.WARNING,
        applies=conditions.family("rhel"),
        plan=LineDropper(
            globs=(IFCFG,),
            drop=assigns("HWADDR"),
            reason="ties the configuration to the old machine's network card",
        ),
        parity=True,
        source="virt-sysprep(1), net-hwaddr; Rocky Linux and AlmaLinux included by ID_LIKE",
    ),
    Operation(
        name="net-ifcfg-identity",
        summary="Remove connection UUIDs and set hardware addresses from interface configuration",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.linux,
        plan=LineDropper(
            globs=(IFCFG, "/etc/sysconfig/network/ifcfg-*"),
            drop=assigns("UUID", "MACADDR", "LLADDR"),
            reason="clones would use the same connection UUID or hardware address",
        ),
        source="OpenNebula/addon-context-linux#127; ifcfg(5)",
    ),
    Operation(
        name="net-interfaces-hwaddress",
        summary="Remove set hardware addresses from /etc/network/interfaces",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.linux,
        plan=LineDropper(
            globs=("/etc/network/interfaces", "/etc/network/interfaces.d/*"),
            drop=_is_hwaddress,
            reason="clones would use the same hardware address",
        ),
        source="interfaces(5), hwaddress",
    ),
    Operation(
        name="net-nmconn-identity",
        summary="Remove UUIDs and hardware addresses from NetworkManager's profiles",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.linux,
        plan=LineDropper(
            globs=("/etc/NetworkManager/system-connections/*",),
            drop=assigns("uuid", "mac-address", "timestamp"),
            reason="ties the profile to the old machine; NetworkManager makes a UUID from the file's name",
        ),
        source="nm-settings-keyfile(5); RHBZ#1980922",
    ),
    Operation(
        name="machine-info",
        summary="Remove the pretty host name",
        severity=Severity.WARNING,
        applies=conditions.linux,
        plan=LineDropper(
            globs=("/etc/machine-info",),
            drop=assigns("PRETTY_HOSTNAME"),
            reason="the old machine's name, as shown to people",
        ),
        source="machine-info(5); libguestfs#44",
    ),
    Operation(
        name="popularity-contest",
        summary="Remove the id under which Debian's popularity contest counts the machine",
        severity=Severity.WARNING,
        applies=conditions.family("debian"),
        plan=LineDropper(
            globs=("/etc/popularity-contest.conf",),
            drop=assigns("MY_HOSTID"),
            reason="clones would report as one machine",
        ),
        source="popularity-contest(8), MY_HOSTID",
    ),
)
