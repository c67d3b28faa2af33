"""Editors' and administrators' backup copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Remove, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation

TOPS: Final = ("/etc", "/root", "/srv", "/tmp", "/var")
SUFFIXES: Final = (".bak", "~")
_REASON: Final = "backup copy; holds what was taken out of the file beside it"
_SENSITIVE: Final = ("/etc/", "/root/", "/var/backups/")


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Regular files named *.bak or *~, a leading dot included, below the directories that hold settings."""
    del options
    for entry in guest.fs.find(TOPS, SUFFIXES):
        yield Remove(path=entry.path, scrub=entry.path.startswith(_SENSITIVE), reason=_REASON)


OPERATION: Final = Operation(
    name="backup-files",
    summary="Remove backup copies (*.bak, *~) from /etc, /root, /srv, /tmp and /var",
    severity=Severity.WARNING,
    applies=conditions.unix,
    plan=plan,
    parity=True,
    source="virt-sysprep(1), backup-files",
)
