"""A service that kills itself while a guest is at its sysprep: URI, store, media, uuid, domid."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Final

from guestwright.base.progress import Step
from guestwright.host.acting.sysprep import SysprepHost, SysprepRequest, SysprepRun
from guestwright.host.sysprep.model import Limits
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.xenstore.client.client import Client

_NOBODY: Final = 65534
_LIMITS: Final = Limits(deadline=600, seen=120, answer=120)


def _progress(step: Step) -> None:
    if step.name == "running":
        os.kill(os.getpid(), signal.SIGKILL)


def main(uri: str, socket: str, media: str, domain: str, domid: str) -> None:
    """Do it."""
    host = SysprepHost(
        hypervisor=LibvirtHypervisor(uri),
        connect=lambda: Client(socket, timeout=120),
        directory=media,
        clock=time.time,
        owner=(_NOBODY, _NOBODY),
    )
    request = SysprepRequest(
        domain=DomainId(domain),
        name="adopted",
        domid=int(domid),
        answers=sys.stdin.buffer.read(),
        filename="answers.txt",
        limits=_LIMITS,
    )
    SysprepRun(host, request, progress=_progress).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
