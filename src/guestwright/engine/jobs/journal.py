"""The port to what runs jobs and keeps the outcomes of their steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from guestwright.engine.jobs.model import Job
from guestwright.engine.jobs.saga import Keep


class Journal(Protocol):
    """Runs attempts at jobs, each in a thread, and keeps outcomes of steps durably."""

    def open(self) -> None:
        """To be called once, before anything else."""

    def start(self, job: Job, attempt: Callable[[Keep], None], gone: Callable[[], None]) -> None:
        """Have an attempt run, with all outcomes kept by earlier attempts at the job.

        Args:
            job: as it was taken up.
            attempt: what to run; it is given what keeps outcomes.
            gone: called at the end of the attempt, however it ends.

        Raises:
            JobBookUnreachable: it does not run.
        """

    def jobs(self) -> list[str]:
        """Jobs for which something is kept.

        Raises:
            JobBookUnreachable: nobody can say.
        """

    def forget(self, job: str) -> bool:
        """Throw away what was kept for a job that has ended; whether that is done, else ask again later."""

    def close(self) -> None:
        """Nothing runs any more."""
