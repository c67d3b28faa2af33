"""Runs the `guestwright` program many times without starting an interpreter each time.

Theory of operation: a server process imports what every run imports, once; then it forks a child per run. The
child is in all else a process of its own: standard streams in files, its own session, its own exit status,
memory and end by a signal. What a run loads late (in the confined worker above all) it still loads late, so
that this does not hide an import that the confinement forbids. The server imports nothing of pytest's.

    with Server() as server:
        ran = server.run("seal", "run", str(image), timeout=30)
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn, Self

from tests.support.program import environment

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_TELL = 200  # descriptor on which a child says that it is about to begin
_GRACE = 3.0  # seconds in which the children of a run that ended must be gone, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run ended.

    Attributes:
        status: exit status, or minus the signal that ended it.
        out, err: what it printed.
        seconds: how long it took.
        memory: largest resident size of it and its children, in bytes.
        hung: it was killed because its time was over.
        left: names of processes that it started and that outlived it; they were killed.
    """

    status: int
    out: str
    err: str
    seconds: float
    memory: int
    hung: bool
    left: list[str]

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Server:
    """The server, as its user sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server"],
            cwd=_ROOT,
            env=environment({"PYTHONPATH": f"{_ROOT}/src:{_ROOT}"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        kill_after: float | None = None,
        interrupt: bool = False,
        limits: Mapping[str, int] | None = None,
        cwd: str = "/",
    ) -> Ran:
        """Run `guestwright` with arguments.

        Args:
            *args: of the command line.
            env: variables besides those of this process.
            timeout: seconds after which it counts as hung and is killed with its session.
            kill_after: seconds after which its first process alone gets SIGKILL, on purpose.
            interrupt: instead of that, all its session gets SIGINT, as from Ctrl-C on a terminal.
            limits: names of `resource` such as "RLIMIT_FSIZE" and the soft limit to set.
            cwd: working directory.
        """
        request = {
            "args": args,
            "env": dict(env or {}),
            "timeout": timeout,
            "kill_after": kill_after,
            "interrupt": interrupt,
            "limits": dict(limits or {}),
            "cwd": cwd,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return Ran(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve() -> None:
    import guestwright.cli.commands.seal
    import guestwright.cli.commands.seal_plan
    import guestwright.cli.commands.seal_run
    import guestwright.cli.commands.seal_verify
    import guestwright.cli.main  # noqa: F401
    from guestwright.cli.store.group import store

    for command in store.list_commands(store.make_context("store", [], resilient_parsing=True)):
        store.get_command(store.make_context("store", [], resilient_parsing=True), command)

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        for line in requests:
            replies.write(json.dumps(_run(json.loads(line), out, err)).encode() + b"\n")
            replies.flush()


def _run(request: dict[str, Any], out: IO[bytes], err: IO[bytes]) -> dict[str, Any]:
    for stream in (out, err):
        os.ftruncate(stream.fileno(), 0)
        os.lseek(stream.fileno(), 0, os.SEEK_SET)
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(tell, _TELL)
        _child(request, out.fileno(), err.fileno())
    os.close(tell)
    os.read(ready, 1)  # on a busy machine it may be long before a child does anything
    os.close(ready)
    begin = time.monotonic()
    hung = _wait(pid, request)
    _, raw, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - begin
    return {
        "status": os.waitstatus_to_exitcode(raw),
        "out": _text(out),
        "err": _text(err),
        "seconds": seconds,
        "memory": usage.ru_maxrss << 10,
        "hung": hung,
        "left": _left(),
    }


def _wait(pid: int, request: dict[str, Any]) -> bool:
    """Until the child can be reaped; whether it had to be killed because its time was over."""
    handle = os.pidfd_open(pid)
    try:
        waiter = select.poll()
        waiter.register(handle, select.POLLIN)
        if request["kill_after"] is not None:
            if waiter.poll(request["kill_after"] * 1000):
                return False
            if not request["interrupt"]:
                os.kill(pid, signal.SIGKILL)
                return False
            os.killpg(pid, signal.SIGINT)
        if waiter.poll(request["timeout"] * 1000):
            return False
        os.killpg(pid, signal.SIGKILL)
        return True
    finally:
        os.close(handle)


def _left() -> list[str]:
    """Descendants of an ended run that stay; they get a moment to notice, then they are killed.

    The server adopts them (PR_SET_CHILD_SUBREAPER), so none escapes by a session of its own.
    """
    deadline = time.monotonic() + _GRACE
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return []
        if time.monotonic() > deadline:
            break
        time.sleep(0.001)
    names = []
    with open("/proc/thread-self/children", encoding="ascii") as stream:
        for pid in stream.read().split():
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as state:
                names.append(state.read()[:60])
            os.kill(int(pid), signal.SIGKILL)
            os.waitpid(int(pid), 0)
    return names


def _text(stream: IO[bytes]) -> str:
    size = os.fstat(stream.fileno()).st_size
    return os.pread(stream.fileno(), size, 0).decode("utf-8", "surrogateescape")


def _child(request: dict[str, Any], out: int, err: int) -> NoReturn:
    status = 1
    try:
        os.setsid()
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, 64)
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        if request["limits"]:
            import resource

            for name, soft in request["limits"].items():
                which = getattr(resource, name)
                resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))
        sys.argv = ["guestwright", *request["args"]]
        os.write(_TELL, b".")
        os.close(_TELL)
        sys.modules["guestwright.cli.main"].main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - what an interpreter does with an error that nobody caught
        traceback.print_exc()
    finally:
        _flush()
        os._exit(status)


def _flush() -> None:
    """Write out what Python still holds back of the standard streams."""
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()


if __name__ == "__main__":
    _serve()
