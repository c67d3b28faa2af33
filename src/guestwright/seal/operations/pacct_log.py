"""Process accounting: the record is removed and an empty one put in its place, for accton wants the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Remove, Severity, Truncate, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation

_DIRECTORY: Final = {"rhel": "/var/account", "debian": "/var/log/account"}
_REASON: Final = "which commands users of the old machine ran"


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Remove old records, empty the present one, create it where its directory waits for it."""
    del options
    directory = _DIRECTORY[guest.os.family]
    current = f"{directory}/pacct"
    found = {one.path: one.stat for one in guest.fs.glob([directory, f"{current}*"])}
    for path, stat in found.items():
        if path == current and stat.kind is FileKind.FILE:
            if stat.size:
                yield Truncate(path=path, reason=_REASON)
        elif path != directory and stat.kind is not FileKind.DIRECTORY:
            yield Remove(path=path, reason=_REASON)
    if directory in found and current not in found:
        yield Write(path=current, data=b"", mode=0o600, reason="accton expects the file")


OPERATION: Final = Operation(
    name="pacct-log",
    summary="Remove process accounting records",
    severity=Severity.WARNING,
    applies=conditions.family("rhel", "debian"),
    plan=plan,
    parity=True,
    source="virt-sysprep(1), pacct-log; accton(8); the file keeps its inode, owner and mode",
)
