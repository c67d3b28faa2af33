"""Ask the guest to reconfigure itself at boot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation

FLAG: Final = "/.unconfigured"


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Create the flag file unless something of that name is there."""
    del options
    if not guest.fs.glob([FLAG]):
        yield Write(path=FLAG, data=b"", reason="asks old init scripts to reconfigure the system at boot")


OPERATION: Final = Operation(
    name="flag-reconfiguration",
    summary="Ask for reconfiguration at boot by /.unconfigured",
    severity=Severity.INFO,
    default=False,
    applies=conditions.unix,
    plan=plan,
    parity=True,
    source="virt-sysprep(1), flag-reconfiguration; fedora-sysv/initscripts#265: nothing modern reads it",
)
