"""Kills a program with SIGKILL at any of its system calls that write, with strace's fault injection.

    for call in writes(argv):            # runs it once, undisturbed
        killed(argv, call)               # that call is not made: the program dies on its way in

Only calls of the first process count; its children die with it or see their socket close.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_CALLS = (
    "pwrite64,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink,unlinkat,linkat"
)
_DEADLINE = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The `number`-th (from 1) call of a system call by this `name`."""

    name: str
    number: int


def writes(argv: Sequence[str], *, calls: str = _CALLS) -> list[Call]:
    """Run a program to its end; which such calls its first process made, in their order.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    seen: Counter[str] = Counter()
    made = []
    with tempfile.TemporaryDirectory(prefix="lab-strace-") as scratch:
        log = os.path.join(scratch, "log")
        command = ["strace", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", log, *argv]
        subprocess.run(command, check=True, capture_output=True, timeout=_DEADLINE)
        with open(log, encoding="utf-8", errors="replace") as stream:
            for name in re.findall(r"^(\w+)\(", stream.read(), re.MULTILINE):
                seen[name] += 1
                made.append(Call(name=name, number=seen[name]))
    return made


def killed(argv: Sequence[str], call: Call) -> bool:
    """Run a program and kill it as it enters a call; whether it was killed at all."""
    inject = f"inject={call.name}:error=EIO:signal=SIGKILL:when={call.number}"
    command = [
        "strace",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={call.name}",
        "-e",
        "signal=none",
        "-e",
        inject,
    ]
    done = subprocess.run([*command, *argv], check=False, capture_output=True, timeout=_DEADLINE)
    return done.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}
