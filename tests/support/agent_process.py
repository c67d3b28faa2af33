"""The agent as a process of its own, with a server for a host: ours, or Xen's in C.

Theory of operation: at our server the agent is domain 5, by a socket that is this domain's, with its rights
and quotas. C xenstored knows guests by their rings only, so there the agent is privileged and is told its
directory; "device" is the same through something like Linux' device.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from guestwright.exec_channel.host import Guest
from guestwright.xenstore.client.client import Client
from tests.support import xenstored
from tests.support.agent_device import PRELUDE, Device
from tests.support.program import running
from tests.support.xenstore_server import Running

ROOT = Path(__file__).parents[2]
HOME = "/local/domain/5"
PATIENCE = 60.0  # seconds; machines are busy
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
# prelude
from guestwright.agent.main import main
sys.exit(main())
"""


class World:
    """A host and a guest with an agent.

    Attributes:
        store: the host's client.
        guest: the host's side of calls.
        process: the agent.
        log: file with what the agent says.
    """

    def __init__(self, store: Client, process: subprocess.Popen[bytes], log: Path) -> None:
        self.store = store
        self.guest = Guest(store, HOME, patience=PATIENCE)
        self.process = process
        self.log = log

    def get(self, path: str) -> str | None:
        """A value of the guest."""
        value = self.store.get(f"{HOME}/{path}")
        return None if value is None else value.decode("utf-8", "replace")

    def put(self, path: str, value: str) -> None:
        """Write as the host."""
        self.store.write(f"{HOME}/{path}", value)

    def wait(self, path: str, accept: Callable[[str | None], bool]) -> str | None:
        """Wait for a value."""

        def text(value: bytes | None) -> bool:
            return accept(None if value is None else value.decode("utf-8", "replace"))

        self.store.wait_until(f"{HOME}/{path}", text, timeout=PATIENCE)
        return self.get(path)

    def said(self) -> str:
        """What the agent has said so far."""
        return self.log.read_text("utf-8", "replace")


@contextmanager
def serving(kind: str, directory: Path, delay: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    """A server with the directory of domain 5; a privileged socket, and the agent's options.

    Args:
        kind: "ours", "c" or "device".
        directory: for sockets.
        delay: seconds that a device takes each way.
    """
    if kind in {"c", "device"}:
        with xenstored.started("c") as real:
            with Client(real.socket) as store:
                store.write(f"{HOME}/domid", "5")
            if kind == "c":
                yield real.socket, ["--socket", real.socket, "--home", HOME]
                return
            path = str(directory / "xenbus")
            with Device(path, real.socket, delay) as device:
                yield real.socket, ["--socket", path, "--home", HOME]
            assert device.bad == []
        return
    with Running() as server_thread:
        server = server_thread.server
        host, door = str(directory / "host.sock"), str(directory / "guest.sock")
        server_thread.inside(lambda: server.listen(host))
        with Client(host) as store:
            store.write(HOME, "")
            store.set_perms(HOME, ["n5"])
            store.write(f"{HOME}/domid", "5")
        server_thread.inside(lambda: server.listen(door, domid=5))
        yield host, ["--socket", door]


@contextmanager
def agent(
    options: list[str],
    directory: Path,
    config: str = "",
    root: str = "/",
    prefix: Sequence[str] = (),
    prelude: str = "",
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The agent, until the end of the block; it has to end by itself at SIGTERM.

    Args:
        options: of `serving`.
        directory: for its files.
        config: text of its configuration.
        root: of the file system.
        prefix: a program that runs it, with arguments.
        prelude: Python to be run before it.
    """
    file, log = directory / "agent.toml", directory / "agent.log"
    file.write_text(config)
    if options[1].endswith("/xenbus"):
        prelude = PRELUDE + prelude
    program = _PROGRAM.replace("# prelude", prelude)
    argv = [*prefix, sys.executable, "-ISE", "-c", program, str(ROOT / "src")]
    argv += [*options, "--config", str(file), "--root", root]
    with log.open("ab") as errors, running(argv, stdin=subprocess.DEVNULL, stderr=errors) as process:
        yield process, log
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, log.read_text()


@contextmanager
def world(kind: str, directory: Path, config: str = "", root: str = "/") -> Iterator[World]:
    """A host and a guest, until the end of the block."""
    with ExitStack() as stack:
        host, options = stack.enter_context(serving(kind, directory))
        store = stack.enter_context(Client(host))
        process, log = stack.enter_context(agent(options, directory, config, root))
        made = World(store, process, log)
        made.wait("data/updated", lambda value: value is not None)
        yield made


def eventually(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def memory(pid: int) -> int:
    """Resident memory of a process, kB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def made(path: Path, text: str, *, mode: int = 0o755) -> Path:
    """A file, with the directories above."""
    os.makedirs(path.parent, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path
