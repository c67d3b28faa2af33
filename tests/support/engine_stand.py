"""One stand for each driver of durable jobs: its book, its workers, and ways to kill, stop and restart them.

In memory a worker is killed by having its threads never get beyond the place of its death; processes die.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from guestwright.engine.jobs.book import Book
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.memory_book import MemoryBook
from guestwright.engine.jobs.memory_journal import MemoryJournal
from guestwright.engine.jobs.model import Job
from guestwright.engine.jobs.sql_book import SqlBook
from guestwright.engine.jobs.worker import Settings, Worker
from tests.support.engine_kinds import all_kinds
from tests.support.engine_worker import Life, WorkerServer
from tests.support.engine_world import World

PATIENCE = 120.0
_LOOKS = 6


class Being(Protocol):
    """A worker."""

    def kill(self) -> None:
        """It is gone at once."""

    def close(self) -> None:
        """It ends in order."""

    def ended(self, seconds: float) -> None:
        """Wait until it has died where it was to."""


class Stand:
    """Jobs on some driver, in a directory."""

    jobs: Jobs
    book: Book
    world: World

    def worker(
        self, *, die: Sequence[str] = (), lease: float = 1.0, versions: Sequence[int] = (1,), pause: float = 0
    ) -> Being:
        """Start a worker, which dies at the first of some places that it reaches."""
        raise NotImplementedError

    def close(self) -> None:
        """All of it ends."""
        raise NotImplementedError

    def ended(self, job: Job) -> Job:
        """A job at its end; in several waits, as one that was stopped finds its time over."""
        for _ in range(_LOOKS):
            found = self.jobs.wait(job.id, PATIENCE / _LOOKS)
            if found.status.ended:
                return found
        raise AssertionError(found)


class _Thread:
    """A worker in this process."""

    def __init__(self, stand: MemoryStand, die: Sequence[str], **settings: Any) -> None:
        self._dead = threading.Event()
        self._die = die
        versions = settings.pop("versions")
        kinds = all_kinds(
            stand.world.path, lambda: stand.jobs, pause=settings.pop("pause"), versions=versions
        )
        self.worker = Worker(
            stand.book,
            stand.journal,
            kinds,
            settings=Settings(poll=0.02, **settings),
            reached=self._reached,
        )
        self.worker.start()

    def _reached(self, place: str) -> None:
        if place in self._die:
            self.kill()
        if self._dead.is_set():
            threading.Event().wait()  # for ever, in a thread that nobody waits for

    def kill(self) -> None:
        self._dead.set()
        self.worker._ending.set()
        self.worker._closed.set()

    def close(self) -> None:
        self.worker.close()

    def ended(self, seconds: float) -> None:
        assert self._dead.wait(seconds)


class MemoryStand(Stand):
    """In memory."""

    def __init__(self, directory: str) -> None:
        self.world = World(os.path.join(directory, "world.db"))
        self.book = MemoryBook()
        self.journal = MemoryJournal()
        self.jobs = Jobs(self.book, all_kinds(self.world.path, lambda: self.jobs))
        self._beings: list[_Thread] = []

    def worker(
        self, *, die: Sequence[str] = (), lease: float = 1.0, versions: Sequence[int] = (1,), pause: float = 0
    ) -> Being:
        being = _Thread(self, die, lease=lease, versions=versions, pause=pause)
        self._beings.append(being)
        return being

    def close(self) -> None:
        for being in self._beings:
            being.kill()


class SqlStand(Stand):
    """On DBOS."""

    def __init__(self, directory: str, url: str, server: WorkerServer) -> None:
        self.url = url
        self.server = server
        self.world = World(os.path.join(directory, "world.db"))
        self.book: SqlBook = SqlBook(url)
        self.jobs = Jobs(self.book, all_kinds(self.world.path, lambda: self.jobs))
        self._lives: list[Life] = []

    def worker(
        self,
        *,
        die: Sequence[str] = (),
        lease: float = 1.0,
        versions: Sequence[int] = (1,),
        pause: float = 0,
        stop: Sequence[str] = (),
    ) -> Life:
        life = self.server.start(
            url=self.url,
            world=self.world.path,
            die=list(die),
            stop=list(stop),
            lease=lease,
            versions=list(versions),
            pause=pause,
        )
        self._lives.append(life)
        return life

    def close(self) -> None:
        for life in self._lives:
            if life.alive:
                life.kill()
        self.book.close()
