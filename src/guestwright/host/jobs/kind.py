"""What the work of a job is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from guestwright.base.progress import Step
from guestwright.base.record import record
from guestwright.host.jobs.model import Job, Restart


class Work(Protocol):
    """What the work of a job may ask and tell. To be used by the one thread that does the work."""

    @property
    def job(self) -> Job:
        """The job as it began: id, parameters, attempt, and the state saved by an earlier attempt."""

    def progress(self, step: Step, /) -> None:
        """Tell where it is (`base.progress`). Cheap; kept once a second. Never raises."""

    def check(self) -> None:
        """To be called often.

        Raises:
            Cancelled: the work is to be given up, and what it left to be taken away.
            Fenced: another owner has this job now: nothing may be touched any more.
        """

    def save(self, state: Any) -> None:
        """Keep plain JSON for the next attempt; durable on return.

        Raises:
            Fenced, BadJob, JobsUnusable: it was not kept.
        """

    def commit(self) -> None:
        """From here on the work only goes forward: it cannot be cancelled any more.

        Raises:
            Cancelled, Fenced: as `check`.
        """


def _nothing(work: Work) -> None:
    del work


@record
class Kind:
    """A kind of job.

    Attributes:
        name: kebab-case, with the part of the service before a dot ("volume.copy").
        run: does the work; returns the result as plain JSON. When it raises, it has undone what it could.
        restart: what becomes of it when the service ends in the middle.
        undo: takes away what a killed attempt left, when it is not run again. Does no harm twice.
    """

    name: str
    run: Callable[[Work], Any]
    restart: Restart = Restart.FAIL
    undo: Callable[[Work], None] = _nothing
