"""Runs one job after the other, in whichever thread asks it to, and ends each in the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.disk.failpoints import reached
from guestwright.host.jobs.ending import crashed, end
from guestwright.host.jobs.errors import (
    BadJob,
    Cancelled,
    Fenced,
    Interrupted,
    JobsUnusable,
    NoSuchKind,
    ServiceEnding,
)
from guestwright.host.jobs.kind import Kind
from guestwright.host.jobs.model import Job, Status
from guestwright.host.jobs.store import JobStore
from guestwright.host.jobs.work import Running

ACTIVE: Final = (Status.RUNNING, Status.ABORTING)
ALIVE: Final = (Status.PENDING, *ACTIVE)
_LOG: Final = logging.getLogger(__name__)


class Runner:
    """See the module.

    Args:
        store: of the jobs.
        kinds: the work that there is, by name.
        tell: called with each job that has changed.
        clock: seconds since 1970.

    Attributes:
        active: what runs now, by id of the job.
        ending: set when no more is to be begun.
    """

    def __init__(
        self,
        store: JobStore,
        kinds: Mapping[str, Kind],
        tell: Callable[[Job], Job],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._tell = tell
        self._clock = clock
        self.active: Final[dict[str, Running]] = {}
        self.ending: Final = threading.Event()

    def undo(self, job: Job) -> None:
        """Take away what an attempt has left that is not run again.

        Raises:
            GuestwrightError: it is still there.
        """
        kind = self._kinds.get(job.kind)
        if kind is not None and job.status is not Status.PENDING:
            kind.undo(Running(self._store, job, self._tell))

    def run(self, name: str) -> None:
        """Run a job, if it still waits.

        Raises:
            JobsUnusable: it could not be begun, or its end could not be kept before the service ended.
        """
        job = self._store.get(name)
        if job.status is not Status.PENDING:
            return
        try:
            job = self._store.change(
                job,
                among=(Status.PENDING,),
                status=Status.RUNNING,
                attempt=job.attempt + 1,
                epoch=self._store.epoch,
                started=self._clock(),
            )
        except Fenced:
            return  # cancelled meanwhile, or another owner's
        running = Running(self._store, job, self._tell)
        self.active[name] = running
        try:
            if self.ending.is_set():
                running.end()
            with suppress(JobsUnusable):
                if self._store.get(name).status is Status.ABORTING:
                    running.cancel()  # who asked for that did not find it here yet
            self._tell(job)
            reached("job-started")
            self._do(self._kinds[job.kind], running)
        finally:
            del self.active[name]

    def _do(self, kind: Kind, running: Running) -> None:
        job, error, result = running.job, None, None
        status = Status.DONE
        try:
            running.check()
            result = kind.run(running)
        except (Fenced, ServiceEnding):
            return  # another's business now; or the next service's
        except Cancelled:
            status = Status.ABORTED
        except GuestwrightError as failure:
            status, error = Status.FAILED, failure.as_dict()
        except Exception as failure:  # noqa: BLE001 - the boundary of a job: whatever it is, the others go on
            status, error = Status.FAILED, crashed(_LOG, job, failure).as_dict()
        reached("job-ran")
        self._end(running.seen(job), status, result, error)

    def _end(self, job: Job, status: Status, result: Any, error: Mapping[str, Any] | None) -> None:
        values = {"status": status, "result": result, "error": error, "ended": self._clock()}
        values |= {"done": job.done, "total": job.total, "text": job.text}
        try:
            ended = end(self._store, job, values, self.ending)
        except BadJob as problem:
            values |= {"status": Status.FAILED, "result": None, "error": problem.as_dict()}
            ended = end(self._store, job, values, self.ending)
        reached("job-ended")
        self._tell(ended)

    def settle(self, job: Job) -> None:
        """End a job that a former service left, and that is not run again.

        Raises:
            Fenced, JobsUnusable: it did not end.
        """
        problem: GuestwrightError = Interrupted(job=job.id, kind=job.kind)
        if job.kind not in self._kinds:
            problem = NoSuchKind(kind=job.kind, known=", ".join(sorted(self._kinds)))
        try:
            self.undo(job)
        except GuestwrightError as failure:
            problem = failure
            job = self._store.change(job, among=ACTIVE, status=Status.RUNNING)  # it has not been undone
        reached("job-undone")
        aborted = job.status is Status.ABORTING
        status, error = (Status.ABORTED, None) if aborted else (Status.FAILED, problem.as_dict())
        self._tell(self._store.change(job, among=ALIVE, status=status, error=error, ended=self._clock()))
