"""A libvirt daemon of a test's own: its files in one directory, nothing shared with the machine's.

Theory of operation: run by a user that is not root, libvirtd is a session daemon and keeps everything below
the XDG directories. So root starts it as "nobody". QEMU's output goes to files, or libvirtd would start a log
daemon of its own. Each daemon gets a host uuid, as libvirt refuses to migrate to the host that it is on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.tools import needs

_DEADLINE = 30.0
_NOBODY = 65534

NEEDS = needs("libvirtd", "qemu-system-x86_64", "setpriv")


@dataclass(slots=True)
class Daemon:
    """A session daemon.

    Attributes:
        directory: all that it has; also a good place for images and sockets, since its QEMU may use it.
        inside: a command that runs another one in the daemon's own namespaces; () for none.
    """

    directory: str
    inside: Sequence[str] = ()
    _process: Any = field(default=None)

    @property
    def uri(self) -> str:
        """How to reach it."""
        return f"qemu+unix:///session?socket={self.directory}/run/libvirt-sock"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with open(os.path.join(self.directory, "libvirtd.conf"), "w") as config:
            config.write(
                f'host_uuid = "{uuid.uuid4()}"\nunix_sock_dir = "{self.directory}/run"\n'
                f'log_outputs = "3:file:{self.directory}/libvirtd.log"\n'
            )
        as_nobody = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        self._process = subprocess.Popen(
            [
                *self.inside,
                *(as_nobody if os.geteuid() == 0 else ()),
                "libvirtd",
                f"--config={self.directory}/libvirtd.conf",
                f"--pid-file={self.directory}/libvirtd.pid",
            ],
            env={
                "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
                "HOME": self.directory,
                "XDG_CONFIG_HOME": f"{self.directory}/config",
                "XDG_CACHE_HOME": f"{self.directory}/cache",
                "XDG_DATA_HOME": f"{self.directory}/data",
                "XDG_RUNTIME_DIR": f"{self.directory}/run",
            },
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _DEADLINE
        while not os.path.exists(f"{self.directory}/run/libvirt-sock"):
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; its domains run on."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_DEADLINE)
            self._process = None
            if os.path.exists(f"{self.directory}/run/libvirt-sock"):
                os.unlink(f"{self.directory}/run/libvirt-sock")

    def log(self) -> str:
        """The end of what it wrote."""
        with open(f"{self.directory}/libvirtd.log", errors="replace") as file:
            return file.read()[-3000:]

    def kill_guests(self) -> None:
        """End every QEMU that it started and left."""
        for base, _, names in os.walk(f"{self.directory}/run"):
            for name in names:
                if name.endswith(".pid"):
                    _kill(os.path.join(base, name))


@contextmanager
def private_libvirtd(inside: Sequence[str] = ()) -> Iterator[Daemon]:
    """A daemon for the time of a block; its domains end with it.

    Args:
        inside: see `Daemon`.
    """
    directory = tempfile.mkdtemp(prefix="gw-libvirt-", dir="/tmp")  # short: sockets' paths are limited
    daemon = Daemon(directory, inside)
    try:
        for name in ("config/libvirt", "cache", "data", "run"):
            os.makedirs(os.path.join(directory, name))
        with open(os.path.join(directory, "config/libvirt/qemu.conf"), "w") as config:
            config.write('stdio_handler = "file"\n')
        if os.geteuid() == 0:
            for base, _, names in os.walk(directory):
                for name in (".", *names):
                    os.chown(os.path.join(base, name), _NOBODY, _NOBODY)
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
        daemon.kill_guests()
        shutil.rmtree(directory, ignore_errors=True)


def _kill(path: str) -> None:
    with open(path) as file:
        text = file.read().strip()
    if text.isdecimal():
        try:
            os.kill(int(text), signal.SIGKILL)
        except ProcessLookupError:
            return
