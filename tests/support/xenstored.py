"""Xenstore servers in private directories: Debian's C xenstored, its oxenstored, and ours.

Theory of operation: `started(kind)` gives the path of a socket and ends the server afterwards. The two real
ones believe in a Xen that `xenstored_quiet.c` plays. oxenstored has its paths compiled in, so it runs in a
mount namespace of its own where they lie in the private directory; nothing of the host is touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
BINARIES = "/usr/lib/xen-4.17/bin"
TEST_XENSTORE = f"{BINARIES}/test-xenstore"
CASES = (
    "read 1",
    "read 2000",
    "write 1",
    "write 2000",
    "dir",
    "rm node",
    "rm dir",
    "ta empty",
    "ta empty x",
    "ta rmw",
    "ta rmw x",
    "ta err",
)
KINDS = ("c", "ocaml", "ours")
PATIENCE = 30.0  # seconds until a server that does not answer counts as broken

_SOURCE = Path(__file__).with_name("xenstored_quiet.c")
_OXENSTORED = """
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir /run/xenstored /run/xen /var/log/xen
mount --bind "$0/run" /run/xenstored
echo "$(ulimit -Hn)" > "$0/nr_open"
mount --bind "$0/nr_open" /proc/sys/fs/nr_open
export LD_PRELOAD="$0/quiet.so"
exec "$1" --no-fork --config-file "$0/conf"
"""
_CONF = """persistent = false
quota-activate = true
perms-activate = true
xenstored-kva = /proc/xen/xsd_kva
xenstored-port = /proc/xen/xsd_port
"""
_OURS = """
import sys
from guestwright.xenstore.server.daemon import serve
serve(sys.argv[1])
"""


def missing(kind: str) -> list[str]:
    """Programs that a kind of server needs and this machine lacks."""
    needed = {
        "c": ["gcc", f"{BINARIES}/xenstored"],
        "ocaml": ["gcc", "unshare", f"{BINARIES}/oxenstored"],
    }
    return [one for one in needed.get(kind, []) if shutil.which(one) is None]


class Xenstored:
    """A running server.

    Attributes:
        kind: one of `KINDS`.
        directory: all that is its own.
        socket: path of its socket.
        process: it.
    """

    def __init__(self, kind: str, directory: str) -> None:
        self.kind = kind
        self.directory = directory
        self.socket = os.path.join(directory, "run", "socket")
        os.makedirs(os.path.join(directory, "run"), exist_ok=True)
        self.process = self._spawn()

    def wait(self) -> None:
        """Wait until it accepts connections."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.socket)
            except OSError:
                assert self.process.poll() is None, self.output()
                assert time.monotonic() < until, self.output()
                time.sleep(0.01)
            else:
                return

    def restart(self) -> None:
        """Kill it and start another one in the same place; the real ones forget all."""
        self.end(signal.SIGKILL)
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = self._spawn()
        self.wait()

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def output(self) -> str:
        """What it has said."""
        return Path(self.directory, "output").read_text("utf-8", "replace")

    def environment(self) -> dict[str, str]:
        """For Xen's programs, so that they find it."""
        return {**os.environ, "XENSTORED_PATH": self.socket}

    def _spawn(self) -> subprocess.Popen[bytes]:
        argv = getattr(self, f"_{self.kind}")()
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "PYTHONPATH": str(ROOT / "src"),
            "QUIET_XEN": self.directory,
            "XENSTORED_RUNDIR": os.path.join(self.directory, "run"),
        }
        if self.kind == "c":
            env["LD_PRELOAD"] = os.path.join(self.directory, "quiet.so")
        with open(os.path.join(self.directory, "output"), "ab") as output:
            return subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def _c(self) -> list[str]:
        self._pretend()
        return [f"{BINARIES}/xenstored", "-N"]

    def _ocaml(self) -> list[str]:
        self._pretend()
        Path(self.directory, "conf").write_text(_CONF)
        namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-m", "-r"]
        return [*namespace, "bash", "-c", _OXENSTORED, self.directory, f"{BINARIES}/oxenstored"]

    def _ours(self) -> list[str]:
        return [sys.executable, "-c", _OURS, os.path.join(self.directory, "run")]

    def _pretend(self) -> None:
        library = Path(self.directory, "quiet.so")
        if not library.exists():
            command = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(_SOURCE), "-ldl"]
            subprocess.run(command, check=True)
            Path(self.directory, "port").write_text("1")  # oxenstored wants no newline
            Path(self.directory, "page").write_bytes(bytes(4096))


@contextmanager
def started(kind: str) -> Iterator[Xenstored]:
    """A server of a kind, in a private directory, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="xenstored-") as directory:
        os.chmod(directory, 0o755)
        server = Xenstored(kind, directory)
        try:
            server.wait()
            yield server
        finally:
            server.end()
