"""A job that runs: between the thread that does the work and those that ask about it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from guestwright.base.printable import printable
from guestwright.base.progress import Step
from guestwright.base.record import replace
from guestwright.host.jobs.errors import Cancelled, CancelRefused, Fenced, JobsUnusable, ServiceEnding
from guestwright.host.jobs.model import Job, Status
from guestwright.host.jobs.store import JobStore

_TEXT_MAX: Final = 200
_KEEP_SECONDS: Final = 1.0
_ACTIVE: Final = (Status.RUNNING, Status.ABORTING)


class Running:
    """The `kind.Work` of one attempt.

    Args:
        store: of the job.
        job: as it began.
        told: called with the job after a step was kept.
    """

    def __init__(self, store: JobStore, job: Job, told: Callable[[Job], object]) -> None:
        self._store = store
        self._began = job
        self._told = told
        self._lock = threading.Lock()
        self._cancelled = self._fenced = self._ending = self._committed = False
        self._step = Step(name="", done=job.done, total=job.total, text=job.text)
        self._kept = time.monotonic()

    @property
    def job(self) -> Job:
        """The job as it began."""
        return self._began

    def progress(self, step: Step, /) -> None:
        """See `kind.Work`."""
        self._step = step
        now = time.monotonic()
        if now - self._kept < _KEEP_SECONDS:
            return
        self._kept = now
        try:
            kept = self._store.change(self._began, among=_ACTIVE, **self._told_fields())
        except Fenced:
            self.fence()
        except JobsUnusable:
            pass  # a step that nobody sees later; what matters tries again, or fails
        else:
            self._told(kept)

    def check(self) -> None:
        """See `kind.Work`; at the service's end also `ServiceEnding`."""
        if self._fenced:
            raise Fenced(what=f"job {self._began.id}")
        if self._cancelled:
            raise Cancelled(job=self._began.id)
        if self._ending and not self._committed:
            raise ServiceEnding(job=self._began.id)

    def save(self, state: Any) -> None:
        """See `kind.Work`."""
        self._store.change(self._began, among=_ACTIVE, state=state)

    def commit(self) -> None:
        """See `kind.Work`."""
        with self._lock:
            self.check()
            self._committed = True

    def cancel(self) -> None:
        """Have the work given up.

        Raises:
            CancelRefused: it only goes forward.
        """
        with self._lock:
            if self._committed:
                raise CancelRefused(job=self._began.id, problem="its last step is under way")
            self._cancelled = True

    def fence(self) -> None:
        """Somebody else has the job: nothing of this attempt is wanted any more."""
        self._fenced = True

    def end(self) -> None:
        """The service ends."""
        self._ending = True

    def seen(self, job: Job) -> Job:
        """The job as stored, with the last step."""
        return replace(job, **self._told_fields()) if job.attempt == self._began.attempt else job

    def _told_fields(self) -> dict[str, Any]:
        step = self._step
        return {"done": step.done, "total": step.total, "text": printable(step.text)[:_TEXT_MAX]}
