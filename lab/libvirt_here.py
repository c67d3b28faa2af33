"""The libvirt of this machine: the one that runs, or its daemons started for as long as they are needed.

A machine with systemd starts libvirtd when its package is installed; a container does not.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

URI = "qemu:///system"
_START = 60.0  # seconds


class NoLibvirt(Exception):
    """libvirt does not answer; the text says what its daemon said."""


def answers() -> bool:
    """Whether libvirt's QEMU driver answers."""
    argv = ["virsh", "-q", "-c", URI, "version"]
    return not subprocess.run(argv, capture_output=True, timeout=_START, check=False).returncode


@contextmanager
def libvirt_here() -> Iterator[None]:
    """libvirt, until the end of the block.

    Raises:
        NoLibvirt: it does not answer within a minute.
    """
    if answers():
        yield
        return
    # virtlogd takes what machines print; libvirtd would start it only by systemd
    daemons = [
        subprocess.Popen([name], stderr=subprocess.PIPE, text=True) for name in ("virtlogd", "libvirtd")
    ]
    try:
        until = time.monotonic() + _START
        while not answers():
            if daemons[1].poll() is not None or time.monotonic() > until:
                daemons[1].kill()
                raise NoLibvirt(f"libvirtd: {daemons[1].communicate()[1][-500:]}")
            time.sleep(0.2)
        yield
    finally:
        for one in reversed(daemons):
            one.terminate()
            one.communicate()
