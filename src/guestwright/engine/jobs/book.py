"""The port to what is kept about jobs: who has which, how far it is, what happened.

Theory of operation: a job belongs to whoever took it up last. Each taking up adds one to its `epoch`; every
write names the epoch that it was made for, and one for an older epoch is refused. Whoever has a job tells so
again and again (`beat`); who has been silent for longer than the lease has lost it, to whoever takes it next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guestwright.engine.jobs.model import Job, JobEvent, Status


class Book(Protocol):
    """What is kept about jobs. Safe to be used by many threads and processes.

    Every method may raise `JobBookUnreachable`; the write may then have happened or not.
    """

    def submit(self, job: Job) -> Job:
        """Keep a new job; the one kept earlier where its key, kind and parameters are the same.

        Raises:
            JobKeyReused: another request had that key.
        """

    def get(self, job: str) -> Job:
        """One job.

        Raises:
            NoSuchDurableJob: there is none of that id.
        """

    def find(self, *, status: Status | None, group: str | None, after: str, limit: int) -> list[Job]:
        """Jobs by age, oldest first, with ids behind `after`."""

    def events(self, *, after: int, job: str | None, limit: int) -> list[JobEvent]:
        """Events in order, with numbers behind `after`. None ever shows up before one already seen."""

    def cancel(self, job: str) -> Job:
        """Note that a job is to be given up; again does no harm.

        Raises:
            NoSuchDurableJob: there is none of that id.
            DurableJobEnded: nothing runs any more.
        """

    def take(self, owner: str, lease: float, kinds: Sequence[tuple[str, int]]) -> Job | None:
        """Take up the oldest job of these kinds and versions that nobody has; None when there is none.

        Args:
            owner: who takes it.
            lease: seconds for which it is theirs, unless they `beat`.
            kinds: names and versions.
        """

    def beat(self, owner: str, lease: float, held: Mapping[str, int]) -> dict[str, bool]:
        """Keep jobs for another lease; which are still ours, and whether somebody cancelled them.

        Args:
            owner: whose they are.
            lease: seconds.
            held: epochs of the jobs by id.
        """

    def note(
        self, job: Job, *, status: Status, step: str, done: int, total: int, note: str, quiet: bool = False
    ) -> Job:
        """Write down where a job is; an event goes with it unless `quiet`.

        Raises:
            DurableJobTaken: it has another epoch by now, or has ended.
        """

    def release(self, job: Job, *, seconds: float, why: str) -> None:
        """Give a job back, to be taken up after so many seconds. Nothing happens if it is not ours."""

    def end(
        self,
        job: Job,
        *,
        result: Any,
        error: Mapping[str, Any] | None,
        leftovers: Sequence[Mapping[str, Any]],
    ) -> Job:
        """A job is over: done when there is no error, else compensated.

        Raises:
            DurableJobTaken: it has another epoch by now, or has ended.
        """
