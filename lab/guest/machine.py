"""Runs a small guest in QEMU by emulation until it powers off, and returns what it reported.

The guest writes its report to a virtio port named `PORT`, which is a file here; its console is another one.
QEMU ends with the process that started it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PORT: Final = "lab.report"
END: Final = "LAB-REPORT-END"
_TAIL: Final = 4000


class GuestFailed(Exception):
    """The guest did not report; the text ends with its console's last lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a guest said: its report without the end mark, its console, and how long it all took (seconds)."""

    text: str
    console: str
    seconds: float


def run(
    *, kernel: str, initramfs: str, devices: Sequence[str], memory: int, deadline: float, append: str = ""
) -> Report:
    """Boot a guest and wait until it powers off.

    Args:
        kernel: path.
        initramfs: path.
        devices: more arguments for QEMU: drives and the like. The machine is a PC with IDE and floppy.
        memory: MiB.
        deadline: seconds.
        append: to the kernel's command line.

    Raises:
        GuestFailed: it did not end in time, or without the end mark.
    """
    with tempfile.TemporaryDirectory(prefix="lab-guest-") as scratch:
        report, console = os.path.join(scratch, "report"), os.path.join(scratch, "console")
        argv = [
            *("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-machine", "pc,accel=tcg"),
            # One processor: emulating two costs an eighth more, and the tests run on as many as there are.
            *("-smp", "1", "-m", str(memory), "-nodefaults", "-no-reboot", "-display", "none"),
            *("-serial", f"file:{console}", "-kernel", kernel, "-initrd", initramfs),
            *("-append", f"console=ttyS0 quiet panic=-1 mitigations=off {append}"),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
            *("-chardev", f"file,id=report,path={report}"),
            *("-device", f"virtserialport,chardev=report,name={PORT}"),
            *devices,
        ]
        start = time.monotonic()
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline, check=False
            )
            said = done.stderr.decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            said = f"not ready after {deadline} s"
        seconds = time.monotonic() - start
        text, log = _text(report), _text(console)
        if END not in text:
            raise GuestFailed(f"{said}\n{log[-_TAIL:]}\n{text[-_TAIL:]}")
    return Report(text=text.partition(END)[0], console=log, seconds=seconds)


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        return stream.read()
