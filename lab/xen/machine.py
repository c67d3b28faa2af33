"""A QEMU that runs the Xen image, and the line to the agent in its dom0.

Theory of operation: QEMU emulates the processors (a Xen host needs no KVM here, and gets none: PV domains
do not run below every KVM). The processor is QEMU's plainest: with "max" a PV dom0 crashes (SMAP), and
programs die of segmentation faults as soon as dom0 and a guest are both busy. The disk is opened with
`snapshot=on`, so that every boot starts with the same system. The line is a virtio port whose other end is
a socket of ours. QEMU dies with the process that started it (`setpriv --pdeathsig`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import Any

from lab.xen.image import Image
from lab.xen.inside.agent import PORT
from lab.xen.line import Line, NoAnswer

_XEN = "console=com1 com1=115200,8n1 dom0_mem={0}M,max:{0}M loglvl=error guest_loglvl=none noreboot=1 "
_XEN += "sched=credit spec-ctrl=no xpti=no"
_DOM0 = "console=hvc0 quiet mitigations=off lab.xenstored={0}"
_HVM = "qemu64,+svm,+npt,+nrip-save,+vme"
_TAIL = 40


class LabFailed(Exception):
    """Something of the lab went wrong; the text ends with the last lines of the console."""


class Machine:
    """A running QEMU.

    Args:
        image: what it boots.
        memory: of the whole machine in MiB. `dom0_memory`: dom0's part of it.
        xenstored: "xenstored" or "oxenstored".
        hvm: whether its processors let Xen have HVM guests.
    """

    def __init__(
        self, image: Image, *, memory: int, dom0_memory: int, xenstored: str, hvm: bool = False
    ) -> None:
        self._directory = tempfile.mkdtemp(prefix="lab-xen-")
        self._console = os.path.join(self._directory, "console")
        path = os.path.join(self._directory, "line")
        self._line = Line(path, lambda: self._process.poll() is None)
        argv = [
            *("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"),
            *(
                "-accel",
                "tcg,thread=multi",
                "-M",
                "q35",
                "-cpu",
                _HVM if hvm else "qemu64",
            ),
            *("-smp", "2", "-m", str(memory)),
            *("-nodefaults", "-no-reboot", "-display", "none"),
            *("-serial", f"file:{self._console}"),
            *("-kernel", image.hypervisor, "-append", _XEN.format(dom0_memory)),
            *("-initrd", f"{image.kernel} {_DOM0.format(xenstored)},{image.initramfs}"),
            *("-drive", f"if=none,id=root,file={image.disk},format=raw,snapshot=on"),
            *("-device", "virtio-blk-pci,drive=root"),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=line,path={path}"),
            *("-device", f"virtserialport,chardev=line,name={PORT}"),
        ]
        with open(os.path.join(self._directory, "qemu"), "wb") as said:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self._line.start()

    @property
    def hello(self) -> dict[str, Any]:
        """The first word of dom0's agent; empty before it came."""
        return self._line.hello

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for the agent's first word.

        Raises:
            LabFailed: QEMU ended, or time is up.
        """
        try:
            self._line.wait_until_ready(seconds)
        except NoAnswer as error:
            raise self._explained("dom0's agent said nothing", seconds, late=error.late) from None

    def ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request to dom0's agent and wait for its reply.

        Raises:
            LabFailed: QEMU ended, or time is up.
        """
        try:
            return self._line.ask(message, seconds)
        except NoAnswer as error:
            why = f"dom0 did not answer: {message['script'][:200]}"
            raise self._explained(why, seconds, late=error.late) from None

    def console(self) -> str:
        """All that Xen and dom0 wrote to their console."""
        return _text(self._console)

    def failure(self, why: str) -> LabFailed:
        """An error with the last lines of the console."""
        tail = "\n".join(self.console().splitlines()[-_TAIL:])
        said = _text(os.path.join(self._directory, "qemu"))
        return LabFailed(f"{why}\n--- QEMU:\n{said}\n--- console, last {_TAIL} lines:\n{tail}")

    def close(self) -> None:
        """Switch it off at once and forget its disk. May be called again."""
        self._process.kill()
        self._process.wait()
        self._line.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _explained(self, why: str, seconds: float, *, late: bool) -> LabFailed:
        ended = f"QEMU ended with status {self._process.poll()}"
        return self.failure(f"{why}: " + (f"waited {seconds:.0f} s" if late else ended))


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read().replace("\r", "")
