"""Empty every log, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Severity, Truncate
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation

_TOP: Final = "/var/log"
_CONTAINERS: Final = "/var/lib/docker/containers/*/*-json.log*"
_REASON: Final = "log of the old machine"


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Cut every regular file below /var/log, and the logs that Docker keeps of its containers."""
    del options
    found = guest.fs.glob([_TOP, _CONTAINERS])
    logs = [entry for entry in found if entry.path != _TOP]
    if len(logs) < len(found) and guest.fs.stat(_TOP).kind is FileKind.DIRECTORY:
        logs += guest.fs.walk(_TOP)
    for entry in logs:
        if entry.stat.kind is FileKind.FILE and entry.stat.size:
            yield Truncate(path=entry.path, reason=_REASON)


OPERATION: Final = Operation(
    name="logs-all",
    summary="Empty every file below /var/log, and Docker's container logs",
    severity=Severity.INFO,
    default=False,
    applies=conditions.unix,
    plan=plan,
    source="hier(7), /var/log; Docker's json-file driver; virt-sysprep's logfiles misses most services",
)
