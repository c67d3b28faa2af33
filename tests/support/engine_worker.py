"""Workers of the engine as processes, many of them, any of which may be killed.

Theory of operation: importing DBOS takes a second. So one server imports everything, once, and forks a child
for each worker; it has no threads and no connections itself. Children die with SIGKILL where they are told
to, or stop with SIGSTOP, or are killed from outside.

    with WorkerServer(directory) as server:
        life = server.start(url=…, world=…, die=["do:copy ran"])
        life.ended(60)
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from tests.support.program import environment

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 120.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Life:
    """One worker process."""

    pid: int
    fd: int

    def kill(self) -> None:
        """SIGKILL, and wait."""
        signal.pidfd_send_signal(self.fd, signal.SIGKILL)
        self.ended(PATIENCE)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        signal.pidfd_send_signal(self.fd, number)

    def close(self) -> None:
        """Have it end in order, and wait."""
        self.send(signal.SIGTERM)
        self.ended(PATIENCE)

    def ended(self, seconds: float) -> None:
        """Wait for its end, however it comes."""
        assert select.select([self.fd], [], [], seconds)[0], f"worker {self.pid} does not end"

    @property
    def alive(self) -> bool:
        """Whether it is there."""
        return not select.select([self.fd], [], [], 0)[0]


class WorkerServer:
    """Starts workers.

    Args:
        directory: for their log.
    """

    def __init__(self, directory: str) -> None:
        self.log = os.path.join(directory, "workers.log")
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.engine_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=_ROOT,
                env=environment(),
                text=True,
            )
        self._lives: list[Life] = []

    def start(self, **options: Any) -> Life:
        """Start a worker; see `_work` for options."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(options) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        life = Life(pid, os.pidfd_open(pid))
        assert self._process.stdin is not None
        self._process.stdin.write("\n")  # it may be reaped from now on
        self._process.stdin.flush()
        self._lives.append(life)
        return life

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for life in self._lives:
            if life.alive:
                life.kill()
            os.close(life.fd)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(PATIENCE)


def _work(
    *,
    url: str,
    world: str,
    die: Sequence[str] = (),
    stop: Sequence[str] = (),
    job: str = "",
    lease: float = 1.0,
    pause: float = 0.0,
    versions: Sequence[int] = (1,),
) -> None:
    """Be a worker until SIGTERM.

    Args:
        url: of the jobs' database.
        world: file of the simulated world.
        die: places at which to die by SIGKILL.
        stop: places at the first of which to hang until SIGCONT and SIGUSR2.
        job: nothing; told apart in logs.
        lease: seconds.
        pause: of the world, seconds.
        versions: of the saga kinds of tests that this worker knows.
    """
    from guestwright.engine.jobs.dbos_journal import DbosJournal
    from guestwright.engine.jobs.jobs import Jobs
    from guestwright.engine.jobs.sql_book import SqlBook
    from guestwright.engine.jobs.worker import Settings, Worker
    from tests.support.engine_kinds import all_kinds
    from tests.support.engine_world import World, put

    del job
    faulthandler.register(signal.SIGUSR1, file=2)
    ending, stopped, going = (threading.Event() for _ in range(3))
    signal.signal(signal.SIGUSR2, lambda *_: going.set())
    signal.signal(signal.SIGTERM, lambda *_: ending.set())

    def hang() -> None:
        if url.startswith(
            "sqlite"
        ):  # a stopped process might hold the lock of the file, and nobody could write
            worker._ending.set()
            worker._closed.set()
        with World(world).change() as cursor:
            put(cursor, "hung", "worker", {})
        if url.startswith("sqlite"):
            going.wait()
        else:
            os.kill(os.getpid(), signal.SIGSTOP)

    def reached(place: str) -> None:
        if place in die:
            os.kill(os.getpid(), signal.SIGKILL)
        if place in stop and not stopped.is_set():
            stopped.set()
            hang()

    book = SqlBook(url)
    found: list[Jobs] = []
    kinds = all_kinds(world, lambda: found[0], pause=pause, versions=versions)
    found.append(Jobs(book, kinds))
    journal = DbosJournal(url, f"test-{os.getpid()}-{os.urandom(4).hex()}")
    worker = Worker(book, journal, kinds, settings=Settings(lease=lease, poll=0.05), reached=reached)
    worker.start()
    ending.wait()
    worker.close()
    book.close()


def _serve() -> None:
    import dbos  # noqa: F401 - imported once, for all children
    import psycopg  # noqa: F401 - as above

    import tests.support.engine_kinds  # noqa: F401 - as above

    for line in sys.stdin:
        if not line.strip():
            continue
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # no worker outlives its test
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(2, 1)
                _work(**json.loads(line))
                status = 0
            except BaseException:  # noqa: BLE001 - a child must end here, and say why
                import traceback

                traceback.print_exc()
            os._exit(status)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        _reap()
    _reap()


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    _serve()
