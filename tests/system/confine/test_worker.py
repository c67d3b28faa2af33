"""A worker tries to get out, as root's child and as an ordinary user's."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guestwright.confine import landlock
from guestwright.confine.limits import Limits
from guestwright.confine.process import confine_worker
from tests.support.forked import IDENTITIES, forked, in_worker

pytestmark = [pytest.mark.system, pytest.mark.parametrize("identity", IDENTITIES)]

SMALL = Limits(cpu_seconds=1, memory=600 << 20)
LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _connect(port: int) -> str:
    with socket.socket() as client:
        client.connect(("127.0.0.1", port))
    return "connected"


def test_all_protections_hold_on_this_kernel(identity: str) -> None:
    held, outcome = in_worker(lambda: "alive", identity=identity)
    assert outcome.status == 0
    assert outcome.text == "alive"
    assert held.enough
    assert held.landlock == min(landlock.abi(), 7)
    lost = {"user_dropped"} if identity != "root" else {"user_namespace"}
    assert set(held.missing()) == lost


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda: Path("/etc/shadow").read_bytes(), id="shadow"),
        pytest.param(lambda: Path("/etc/passwd").read_bytes(), id="passwd"),
        pytest.param(lambda: os.listdir("/"), id="list root"),
        pytest.param(lambda: os.listdir("/proc"), id="list proc"),
        pytest.param(lambda: os.stat("/usr"), id="stat"),
        pytest.param(lambda: Path("/tmp/escaped").write_text("x"), id="write tmp"),
        pytest.param(lambda: os.chdir("/usr"), id="chdir"),
        pytest.param(lambda: os.open("/dev/fuse", os.O_RDWR), id="device"),
        pytest.param(lambda: os.memfd_create("x"), id="memfd"),
        pytest.param(os.fork, id="fork"),
        pytest.param(lambda: os.kill(os.getppid(), 0), id="signal the parent"),
        pytest.param(lambda: os.kill(1, signal.SIGKILL), id="signal init"),
        pytest.param(lambda: os.setuid(0), id="become root"),
        pytest.param(lambda: socket.socket(socket.AF_UNIX), id="unix socket"),
        pytest.param(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW), id="netlink"),
        pytest.param(socket.socketpair, id="socketpair"),
        pytest.param(lambda: os.sched_setaffinity(os.getppid(), {0}), id="touch the parent"),
    ],
)
def test_is_refused(identity: str, attempt: Callable[[], object]) -> None:
    _, outcome = in_worker(attempt, identity=identity)
    assert outcome.status == 0
    assert outcome.text.startswith("PermissionError"), outcome


def test_tcp_is_refused(identity: str, listener: int) -> None:
    assert forked(lambda: _connect(listener), identity=identity).text == "connected"
    _, outcome = in_worker(lambda: _connect(listener), identity=identity)
    assert outcome.text.startswith("PermissionError"), outcome


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda: os.execv("/bin/true", ["true"]), id="exec"),
        pytest.param(lambda: LIBC.ptrace(16, os.getppid(), 0, 0), id="ptrace the parent"),
        pytest.param(lambda: LIBC.unshare(0x10000000), id="user namespace"),
        pytest.param(lambda: LIBC.mount(b"none", b"/", b"tmpfs", 0, None), id="mount"),
        pytest.param(lambda: LIBC.chroot(b"/"), id="chroot"),
        pytest.param(lambda: LIBC.process_vm_readv(os.getppid(), None, 0, None, 0, 0), id="read the parent"),
    ],
)
def test_kills(identity: str, attempt: Callable[[], object]) -> None:
    _, outcome = in_worker(attempt, identity=identity)
    assert outcome.status == -signal.SIGSYS, outcome


def test_memory_is_bounded(identity: str) -> None:
    _, outcome = in_worker(lambda: len(bytearray(700 << 20)), identity=identity, limits=SMALL)
    assert outcome.text.startswith("MemoryError"), outcome


def test_processor_time_is_bounded(identity: str) -> None:
    def burn() -> None:
        while True:
            pass

    _, outcome = in_worker(burn, identity=identity, limits=SMALL)
    assert outcome.status in (-signal.SIGXCPU, -signal.SIGKILL)


def test_other_descriptors_are_closed(identity: str) -> None:
    with socket.socket() as secret:
        number = secret.fileno()

        def watched() -> str:
            ours, theirs = socket.socketpair()
            pid = os.fork()
            if pid == 0:
                os.dup2(theirs.fileno(), 900)
                confine_worker(keep_fds=[900])
                try:
                    os.fstat(number)
                except OSError as error:
                    os.write(900, str(error.errno).encode())
                os._exit(0)
            theirs.close()
            answer = ours.recv(100).decode()
            os.waitpid(pid, 0)
            return answer

        assert forked(watched, identity=identity).text == "9"


def test_dies_with_its_parent(identity: str) -> None:
    def parent() -> int:
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            confine_worker(keep_fds=[tell])
            os.write(tell, b"x")
            while True:
                time.sleep(60)
        os.read(ready, 1)
        return pid

    outcome = forked(parent, identity=identity)
    assert outcome.status == 0, outcome
    for _ in range(200):
        if not Path(f"/proc/{outcome.text}").exists():
            return
        if "\nState:\tZ" in Path(f"/proc/{outcome.text}/status").read_text():
            return  # killed; whoever adopted it has not reaped it yet
        time.sleep(0.01)
    pytest.fail("the worker outlived its parent")


def test_is_set_up_in_a_few_milliseconds(identity: str) -> None:
    def one() -> float:
        started = time.perf_counter()
        confine_worker(keep_fds=range(3, 1024))
        return time.perf_counter() - started

    times = [float(forked(one, identity=identity).text) for _ in range(12)]
    assert min(times) < 0.010, times  # 3 to 5 ms on an idle machine
