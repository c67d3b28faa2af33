"""Small systemd units that make again, in each clone, what sealing took away and the guest does not remake.

Theory of operation: a unit is one file in /etc/systemd/system and its links in `*.wants`, which is what
`systemctl enable` would make. Early units run before sockets.target (so before a socket-activated ssh), for
which they must drop the default dependencies: those order a service after basic.target, which comes after
the sockets, and would close a cycle (systemd.service(5), DEFAULT DEPENDENCIES).
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from typing import Final

from guestwright.base.record import record
from guestwright.guestfs.port import FileKind
from guestwright.seal.changes import Change, MakeDirectory, MakeSymlink, Write
from guestwright.seal.guest import Guest
from guestwright.seal.textfile import read_text

DIRECTORY: Final = "/etc/systemd/system"


@record
class Unit:
    """A oneshot service.

    Attributes:
        name: without ".service".
        description: for systemctl status.
        command: ExecStart; a fixed text, never the guest's.
        reason: why it is installed, for the plan.
        before: units that wait for it.
        wanted_by: units that pull it in.
        condition: "ConditionPathExists" value, "" for none.
        early: run before sockets; see the module's text.
        once: it removes itself after it succeeded.
    """

    name: str
    description: str
    command: str
    reason: str
    before: tuple[str, ...] = ()
    wanted_by: tuple[str, ...] = ("multi-user.target",)
    condition: str = ""
    early: bool = False
    once: bool = False

    @property
    def path(self) -> str:
        """Of the unit file."""
        return f"{DIRECTORY}/{self.name}.service"

    @property
    def links(self) -> tuple[str, ...]:
        """Of the links that enable it."""
        return tuple(f"{DIRECTORY}/{one}.wants/{self.name}.service" for one in self.wanted_by)

    @property
    def text(self) -> str:
        """Content of the unit file."""
        lines = ["[Unit]", f"Description={self.description}"]
        before = self.before
        if self.early:
            lines += ["DefaultDependencies=no", "After=sysinit.target", "Conflicts=shutdown.target"]
            before = (*before, "shutdown.target")
        if before:
            lines.append(f"Before={' '.join(before)}")
        if self.condition:
            lines.append(f"ConditionPathExists={self.condition}")
        lines += ["", "[Service]", "Type=oneshot", f"ExecStart={self.command}"]
        if self.once:
            lines.append(f"ExecStartPost=/bin/rm -f {self.path} {' '.join(self.links)}")
        else:
            lines.append("RemainAfterExit=yes")
        lines += ["", "[Install]", f"WantedBy={' '.join(self.wanted_by)}", ""]
        return "\n".join(lines)


def install(guest: Guest, unit: Unit) -> Iterator[Change]:
    """The changes that put a unit in place and enable it; none when it is there already.

    A unit that somebody masked (a symlink of its name) is left masked.
    """
    parents = tuple(os.path.dirname(link) for link in unit.links)
    found = {one.path: one.stat.kind for one in guest.fs.glob([DIRECTORY, unit.path, *parents, *unit.links])}
    if found.get(unit.path) is FileKind.SYMLINK:
        return
    if unit.path not in found or read_text(guest.fs, unit.path) != unit.text:
        if DIRECTORY not in found:
            yield MakeDirectory(path=DIRECTORY, reason=unit.reason)
        yield Write(path=unit.path, data=unit.text.encode(), reason=unit.reason)
    for parent, link in zip(parents, unit.links, strict=True):
        if found.get(link) is FileKind.SYMLINK and guest.fs.readlink(link) == unit.path:
            continue
        if parent not in found:
            yield MakeDirectory(path=parent, reason=unit.reason)
        yield MakeSymlink(path=link, target=unit.path, reason=unit.reason)
