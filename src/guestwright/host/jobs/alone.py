"""Work without a job: for who calls it directly and waits for it."""

from __future__ import annotations

from typing import Any

from guestwright.base.progress import Progress, Step, silent
from guestwright.host.jobs.model import Job


class Alone:
    """A `kind.Work` that nobody cancels or fences, and that is not kept.

    Args:
        name: of the work, as a job's id.
        progress: told where it is.
        attempt: its number.
    """

    def __init__(self, name: str, progress: Progress = silent, *, attempt: int = 1) -> None:
        self._job = Job(id=name, kind="alone", parameters={}, attempt=attempt)
        self._progress = progress

    @property
    def job(self) -> Job:
        """A job that stands for the work."""
        return self._job

    def progress(self, step: Step, /) -> None:
        """See `kind.Work`."""
        self._progress(step)

    def check(self) -> None:
        """See `kind.Work`."""

    def save(self, state: Any) -> None:
        """See `kind.Work`."""

    def commit(self) -> None:
        """See `kind.Work`."""
