"""The jobs of one host: submit, look, cancel, fence, collect; threads do the work.

Theory of operation: a job is accepted when it is in the store, durably, and its end is told when that is in
the store. Between the two it is either running in a thread of the service that owns the store, or it is found
by the next one: `start` puts jobs that may be resumed back into the queue, and undoes and ends by name those
that may not. So no job is lost, and none that would do harm is begun twice: the mark that it was begun is
durable before its work gets the first instruction.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.ids import new_run_id
from guestwright.base.record import record
from guestwright.disk.failpoints import reached
from guestwright.host.jobs.errors import (
    CancelRefused,
    Fenced,
    JobNotActive,
    JobNotEnded,
    JobsUnusable,
    NoSuchJob,
    NoSuchKind,
    OrderWaits,
)
from guestwright.host.jobs.kind import Kind
from guestwright.host.jobs.model import Job, Restart, Status, check_id
from guestwright.host.jobs.orders import Order
from guestwright.host.jobs.runner import ACTIVE, ALIVE, Runner
from guestwright.host.jobs.store import JobStore

Changed = Callable[[Job], None]
_LOG: Final = logging.getLogger(__name__)
_PAUSE: Final = 1.0  # seconds until a job that could not be begun is tried again
_MAKE_WAY: Final = 10.0  # seconds for what is undone to end


def _nobody(job: Job) -> None:
    del job


@record
class Restarted:
    """What `Jobs.start` found: ids of jobs that are run again, and of those that it has ended."""

    resumed: tuple[str, ...]
    ended: tuple[str, ...]


class Jobs:
    """See the module. Its calls may come from any thread.

    Args:
        store: the jobs, owned by this service.
        kinds: the work that there is.
        threads: how many jobs run at a time.
        changed: told each job that has changed, in the thread that changed it; must be quick.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        store: JobStore,
        kinds: Iterable[Kind],
        *,
        threads: int = 4,
        changed: Changed = _nobody,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._kinds: Final[Mapping[str, Kind]] = {one.name: one for one in kinds}
        self._clock = clock
        self._changed = changed
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._news = threading.Condition()
        self._ordering = threading.Lock()
        self._runner = Runner(store, self._kinds, self._tell, clock)
        self._threads = [
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> Restarted:
        """Settle what the last service left, then begin to work. Called once.

        Raises:
            Fenced, JobsUnusable: the store is another's, or broken.
        """
        resumed, ended = [], []
        for job in self._store.all(*ALIVE):
            kind = self._kinds.get(job.kind)
            if kind is not None and job.status is Status.PENDING:
                self._queue.put(job.id)
            elif kind is not None and job.status is Status.RUNNING and kind.restart is Restart.RESUME:
                self._tell(self._store.change(job, among=(Status.RUNNING,), status=Status.PENDING))
                reached("job-resumed")
                self._queue.put(job.id)
                resumed.append(job.id)
            else:
                self._runner.settle(job)
                ended.append(job.id)
        for thread in self._threads:
            thread.start()
        return Restarted(resumed=tuple(resumed), ended=tuple(ended))

    def stop(self, seconds: float = 30.0) -> bool:
        """Begin no more jobs, and have those that run stop at their next look; they go on at the next start.

        Args:
            seconds: how long to wait for them.

        Returns:
            Whether all have stopped.
        """
        self._runner.ending.set()
        for running in list(self._runner.active.values()):
            running.end()
        for _ in self._threads:
            self._queue.put(None)
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        with self._news:
            self._news.notify_all()
        return not any(thread.is_alive() for thread in self._threads)

    def submit(
        self, kind: str, parameters: Mapping[str, Any], *, job: str = "", order: Order | None = None
    ) -> Job:
        """Accept a job: on return it is durable, and will run.

        Args:
            kind: name of the work.
            parameters: for it, plain JSON; nothing secret, since they are kept and shown.
            job: its id; "" for a new one. The same submission again is answered with the job that is there.
            order: whose order it is; see `orders`.

        Raises:
            OrderTooLate, OrderWaits: see `ordered`.
            NoSuchKind, BadJob, JobExists, TooManyJobs, Fenced, JobsUnusable: it was not accepted.
        """
        if kind not in self._kinds:
            raise NoSuchKind(kind=kind[:80], known=", ".join(sorted(self._kinds)))
        now = self._clock()
        name = check_id(job) if job else new_run_id(now, os.urandom(10))
        made = Job(id=name, kind=kind, parameters=dict(parameters), created=now)
        if order is not None:
            self._make_way(order)
        kept = self._store.add(made, order)
        reached("job-submitted")
        if kept is made:
            self._tell(kept)
            self._queue.put(name)
        return kept

    @contextmanager
    def ordered(self, order: Order) -> Iterator[None]:
        """Do what was ordered, and takes no job; one order at a time, so that none passes a later one.

        Raises:
            OrderTooLate: the job was taken up by another worker, or undoes already what it did.
            OrderWaits: it undoes, and what it ordered before has not ended yet.
        """
        with self._ordering:
            self._make_way(order)
            yield

    def _make_way(self, order: Order) -> None:
        """Have what a job ordered before given up when it undoes it; nothing of it comes later."""
        self._store.admit(order)
        if not order.undo:
            return
        before = [one.id for one in self._store.forward(order.job) if not one.status.ended]
        for name in before:
            with suppress(JobNotActive, CancelRefused, NoSuchJob):
                self.cancel(name)
        deadline = time.monotonic() + _MAKE_WAY
        for name in before:
            with suppress(NoSuchJob):
                if not self.wait(name, max(0.0, deadline - time.monotonic())).status.ended:
                    raise OrderWaits(job=order.job, before=name)

    def get(self, job: str) -> Job:
        """A job as it is now, with its latest step.

        Raises:
            NoSuchJob, JobsUnusable: it is not to be had.
        """
        found = self._store.get(job)
        running = self._runner.active.get(job)
        return running.seen(found) if running is not None else found

    def all(self, *statuses: Status) -> list[Job]:
        """All jobs, or those of some statuses, oldest first."""
        return [
            one.seen(job) if (one := self._runner.active.get(job.id)) else job
            for job in self._store.all(*statuses)
        ]

    def wait(self, job: str, seconds: float) -> Job:
        """Wait for a job's end, at most some seconds; the job as it is then.

        Raises:
            NoSuchJob, JobsUnusable: it is not to be had.
        """
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = self.get(job)
                left = deadline - time.monotonic()
                if found.status.ended or left <= 0 or self._runner.ending.is_set():
                    return found
                self._news.wait(left)

    def cancel(self, job: str) -> Job:
        """Have a job given up. One that waits is aborted at once, one that runs as soon as it can be.

        Raises:
            JobNotActive: it has ended.
            CancelRefused: it only goes forward now.
            NoSuchJob, Fenced, JobsUnusable: nothing was done.
        """
        while True:
            found = self._store.get(job)
            if found.status.ended:
                raise JobNotActive(job=job, status=found.status)
            try:
                return self._tell(self._cancel(found))
            except Fenced:
                if self._store.get(job).status is found.status:
                    raise  # it did not move: the store is another owner's

    def _cancel(self, job: Job) -> Job:
        if job.status is Status.PENDING:
            among = (Status.PENDING,)
            return self._store.change(job, among=among, status=Status.ABORTED, ended=self._clock())
        running = self._runner.active.get(job.id)
        if running is not None:
            running.cancel()
        changed = self._store.change(job, among=ACTIVE, status=Status.ABORTING)
        if running is None and (running := self._runner.active.get(job.id)) is not None:
            running.cancel()  # it was just being begun
        return changed

    def fence(self, job: str) -> Job:
        """Declare a job failed whatever its thread does: what that still wants to write is refused.

        What it left is undone, as after a kill.

        Raises:
            JobNotActive: it has ended.
            NoSuchJob, Fenced, JobsUnusable: nothing was done.
        """
        found = self._store.get(job)
        if found.status.ended:
            raise JobNotActive(job=job, status=found.status)
        values = {
            "attempt": found.attempt + 1,
            "status": Status.FAILED,
            "error": Fenced(what=f"job {job}").as_dict(),
            "ended": self._clock(),
        }
        changed = self._store.change(found, among=ALIVE, **values)
        running = self._runner.active.get(job)
        if running is not None:
            running.fence()
        try:
            self._runner.undo(found)
        except GuestwrightError as error:
            _LOG.error("job %s was fenced, but not undone: %s", job, error.message)
        return self._tell(changed)

    def collect(self, job: str) -> Job:
        """The job with its result, for the last time: it is forgotten.

        Raises:
            JobNotEnded: there is no result yet.
            NoSuchJob, Fenced, JobsUnusable: nothing was done.
        """
        found = self._store.get(job)
        if not found.status.ended:
            raise JobNotEnded(job=job, status=found.status)
        self._store.remove(found)
        return found

    def _tell(self, job: Job) -> Job:
        with self._news:
            self._news.notify_all()
        try:
            self._changed(job)
        except Exception as error:  # noqa: BLE001 - a listener's mistake must not cost the job its thread
            _LOG.error("job %s: who listens failed: %s", job.id, type(error).__name__)
        return job

    def _work(self) -> None:
        """What each thread does."""
        while (name := self._queue.get()) is not None and not self._runner.ending.is_set():
            try:
                self._runner.run(name)
            except JobsUnusable as error:
                _LOG.error("job %s has to wait: %s", name, error.message)
                self._runner.ending.wait(_PAUSE)
                self._queue.put(name)
            except Exception as error:  # noqa: BLE001 - the boundary of a thread, which the other jobs need
                _LOG.error("job %s: %s", name, type(error).__name__)
