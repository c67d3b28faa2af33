"""Run the caller's own scripts over the guest's files.

The scripts run on this host, as the caller, with the guest's tree as working directory; they are the
caller's, never the guest's. As in virt-sysprep they are one shell program that stops at the first failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, RunScript, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.option_values import text, texts


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """One run of all scripts, in the order given; nothing without any."""
    del guest
    scripts = texts(options, "scripts")
    if scripts:
        command = "\n".join(("set -e", *scripts))
        yield RunScript(
            command=command, directory=text(options, "scriptdir"), reason="asked for by the caller"
        )


OPERATION: Final = Operation(
    name="script",
    summary="Run scripts of the caller over the guest's files",
    severity=Severity.INFO,
    applies=conditions.always,
    plan=plan,
    parity=True,
    source="virt-sysprep(1), script",
    options={
        "scripts": "commands to run on this host with the guest's files as working directory",
        "scriptdir": "empty directory where the guest's files are mounted for the scripts",
    },
)
