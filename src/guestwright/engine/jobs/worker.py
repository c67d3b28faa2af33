"""Takes up jobs and runs them: one worker in each process of the engine that does work.

Theory of operation: the worker asks the book for a job that nobody has, whether new or left by one who died,
and has the journal run an attempt at it; all jobs come this way, so that there is no separate recovery. A
second thread keeps what the worker has, by telling the book (`beat`) three times in each lease. When that is
refused, or has not worked for a whole lease, the attempt is fenced: from then on it may touch nothing. What
it has ordered elsewhere with its epoch, hosts refuse once they have heard of a later one.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Final

from guestwright.base.ids import new_run_id
from guestwright.base.record import record
from guestwright.engine.jobs.attempt import Attempt, Reached
from guestwright.engine.jobs.book import Book
from guestwright.engine.jobs.errors import JobBookUnreachable, NoSuchDurableJob
from guestwright.engine.jobs.jobs import catalogue
from guestwright.engine.jobs.journal import Journal
from guestwright.engine.jobs.model import Job, Kind

_LOG: Final = logging.getLogger(__name__)


@record
class Settings:
    """How a worker works.

    Attributes:
        lease: seconds after which the jobs of a worker that fell silent are taken up by another.
        poll: seconds between looks for work that nobody announced.
        places: jobs at a time.
        patience: seconds that `close` waits for steps that run.
    """

    lease: float = 15.0
    poll: float = 0.25
    places: int = 16
    patience: float = 60.0


def _nothing(place: str) -> None:
    del place


class Worker:
    """Takes up jobs and runs them.

    Args:
        book: of the jobs.
        journal: runs them.
        kinds: of work that this worker can do, all versions of which there may still be jobs.
        settings: how.
        reached: told of places at which tests kill; does nothing otherwise.
    """

    def __init__(
        self,
        book: Book,
        journal: Journal,
        kinds: Iterable[Kind],
        *,
        settings: Settings | None = None,
        reached: Reached = _nothing,
    ) -> None:
        self.owner = new_run_id(time.time(), os.urandom(10))
        self._book = book
        self._journal = journal
        self._kinds = catalogue(kinds)
        self._names = [(name, version) for name, versions in self._kinds.items() for version in versions]
        self._settings = settings or Settings()
        self._reached = reached
        self._lock = threading.Lock()
        self._running: dict[str, Attempt] = {}
        self._ended: set[str] = set()
        self._ending = threading.Event()
        self._closed = threading.Event()
        self._woken = threading.Event()
        self._idle = threading.Condition(self._lock)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to take up jobs.

        Raises:
            JobBookUnreachable: the journal's database does not answer.
        """
        self._journal.open()
        self._ended.update(self._journal.jobs())
        for name, body in (("jobs-take", self._take), ("jobs-beat", self._beat)):
            thread = threading.Thread(target=body, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """There may be work."""
        self._woken.set()

    def close(self) -> None:
        """Take up nothing any more, let steps that run come to an end, and give the jobs back."""
        self._ending.set()
        self._woken.set()
        for attempt in self._attempts():
            attempt.stop()
        with self._idle:
            self._idle.wait_for(lambda: not self._running, self._settings.patience)
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self._journal.close()

    def _take(self) -> None:
        while not self._ending.is_set():
            try:
                while self._has_place() and (job := self._next()) is not None:
                    self._begin(job)
                self._forget()
            except JobBookUnreachable as error:
                _LOG.warning("%s", error.message)
            except Exception:  # noqa: BLE001 - a worker that takes up nothing would not be seen to be dead
                _LOG.exception("no job could be taken up")
            self._woken.wait(self._settings.poll)
            self._woken.clear()

    def _has_place(self) -> bool:
        with self._lock:
            return len(self._running) < self._settings.places and not self._ending.is_set()

    def _next(self) -> Job | None:
        return self._book.take(self.owner, self._settings.lease, self._names)

    def _begin(self, job: Job) -> None:
        attempt = Attempt(self._book, job, self._kinds[job.kind][job.version], self._reached)
        with self._lock:
            former = self._running.get(job.id)
            self._running[job.id] = attempt
        if former is not None:
            former.fence()
        if self._ending.is_set():
            attempt.stop()
        try:
            self._journal.start(job, attempt.run, partial(self._gone, attempt))
        except JobBookUnreachable:
            self._gone(attempt)
            raise

    def _gone(self, attempt: Attempt) -> None:
        with self._idle:
            if self._running.get(attempt.job.id) is attempt:
                del self._running[attempt.job.id]
            self._ended.add(attempt.job.id)
            self._idle.notify_all()
        self._woken.set()

    def _forget(self) -> None:
        """Throw away outcomes that nobody will ask for."""
        with self._lock:
            ended = sorted(self._ended - set(self._running))
        for job in ended:
            if not self._over(job) or self._journal.forget(job):
                with self._lock:
                    self._ended.discard(job)

    def _over(self, job: str) -> bool:
        try:
            return self._book.get(job).status.ended
        except NoSuchDurableJob:
            return True

    def _beat(self) -> None:
        heard = time.monotonic()
        while not self._closed.wait(self._settings.lease / 3):
            try:
                began = time.monotonic()
                self._keep_all()
                heard = began
            except JobBookUnreachable as error:
                _LOG.warning("%s", error.message)
                if time.monotonic() - heard > self._settings.lease:
                    for attempt in self._attempts():
                        attempt.fence()

    def _keep_all(self) -> None:
        mine = self._attempts()
        held = {attempt.job.id: attempt.job.epoch for attempt in mine}
        if not held:
            return
        ours = self._book.beat(self.owner, self._settings.lease, held)
        for attempt in mine:
            cancelled = ours.get(attempt.job.id)
            if cancelled is None:
                attempt.fence()
            elif cancelled:
                attempt.cancel()

    def _attempts(self) -> list[Attempt]:
        with self._lock:
            return list(self._running.values())
