"""Users' crontabs and waiting at jobs, and at's counter.

The counter file is reset in place rather than removed: at wants its owner, mode and SELinux label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules
from guestwright.seal.textfile import read_text

COUNTER: Final = ".SEQ"
_COUNTERS: Final = "/var/spool/{cron/atjobs,atjobs,at}/.SEQ"
_START: Final = "00000\n"


def reset(guest: Guest, options: Options, gone: Sequence[Change]) -> Iterator[Change]:
    """Start at's counters again."""
    del options, gone
    for entry in guest.fs.glob([_COUNTERS]):
        if entry.stat.kind is FileKind.FILE and read_text(guest.fs, entry.path) != _START:
            yield Write(path=entry.path, data=_START.encode(), reason="counter of at jobs, starts again")


OPERATION: Final = Operation(
    name="cron-spool",
    summary="Remove users' crontabs and waiting at jobs",
    severity=Severity.WARNING,
    applies=conditions.always,
    plan=rules(
        PathRule(
            globs=("/var/spool/{cron,at}",),
            action=Action.REMOVE_FILES,
            keep=(COUNTER,),
            reason="crontab or at job of the old machine's users",
        ),
        PathRule(globs=("/var/spool/{atjobs,atspool}/*",), reason="at job of the old machine's users"),
        then=reset,
    ),
    parity=True,
    source="virt-sysprep(1), cron-spool; guestfs-tools sysprep_operation_cron_spool",
)
