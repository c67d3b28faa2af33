"""What everybody else asks of jobs: start one, see it, wait for it, cancel it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from guestwright.base.ids import new_run_id
from guestwright.engine.jobs.book import Book
from guestwright.engine.jobs.errors import BadDurableJob, NoSuchDurableKind
from guestwright.engine.jobs.model import KEY_MAX, Job, JobEvent, Kind, Status, encode

_LIMIT_MAX: Final = 1000
_LOOK: Final = 0.1


def catalogue(kinds: Iterable[Kind]) -> dict[str, dict[int, Kind]]:
    """Kinds by name and version.

    Raises:
        ValueError: two of one name and version, or two steps of one name in a kind.
    """
    found: dict[str, dict[int, Kind]] = {}
    for kind in kinds:
        names = [step.name for step in kind.steps]
        if kind.version in found.setdefault(kind.name, {}) or len(set(names)) != len(names):
            raise ValueError(f"{kind.name} {kind.version}: there is one already, or a step is there twice")
        found[kind.name][kind.version] = kind
    return found


class Jobs:
    """The jobs of an engine. Safe to be used by many threads.

    Args:
        book: where they are kept.
        kinds: of work that can be submitted; the newest version of each is.
        wake: called after something was submitted or cancelled, for a worker in this process.
        clock: seconds since 1970, for ids.
    """

    def __init__(
        self,
        book: Book,
        kinds: Iterable[Kind],
        *,
        wake: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._book = book
        self._kinds = catalogue(kinds)
        self._wake = wake
        self._clock = clock

    def submit(self, kind: str, parameters: Mapping[str, Any], *, key: str = "", group: str = "") -> Job:
        """Start a job. It is durable on return, and will end, done or compensated.

        Args:
            kind: name of the work.
            parameters: plain JSON.
            key: idempotency key: the same one with the same request gets the job of the first time.
            group: id of the job that submits this one.

        Raises:
            NoSuchDurableKind, BadDurableJob: it makes no sense; or what the kind's own check raises.
            JobKeyReused: the key was there with another request.
            JobBookUnreachable: it may be kept or not; with a key, ask again.
        """
        versions = self._kinds.get(kind)
        if versions is None:
            raise NoSuchDurableKind(kind=kind)
        if len(key) > KEY_MAX:
            raise BadDurableJob(kind=kind, problem=f"a key has at most {KEY_MAX} characters")
        newest = versions[max(versions)]
        encode(kind, dict(parameters))
        newest.check(parameters)
        job = self._book.submit(
            Job(
                id=new_run_id(self._clock(), os.urandom(10)),
                kind=kind,
                version=newest.version,
                parameters=parameters,
                key=key,
                group=group,
            )
        )
        self._wake()
        return job

    def get(self, job: str) -> Job:
        """One job.

        Raises:
            NoSuchDurableJob, JobBookUnreachable: it cannot be had.
        """
        return self._book.get(job)

    def find(
        self, *, status: Status | None = None, group: str | None = None, after: str = "", limit: int = 100
    ) -> list[Job]:
        """Jobs by age, oldest first.

        Args:
            status: only such.
            group: only those that this job submitted.
            after: id of the last one of the page before.
            limit: at most so many, and at most 1000.
        """
        return self._book.find(status=status, group=group, after=after, limit=min(limit, _LIMIT_MAX))

    def events(self, *, after: int = 0, job: str | None = None, limit: int = 1000) -> list[JobEvent]:
        """What happened, in order, behind event `after`; of one job or all."""
        return self._book.events(after=after, job=job, limit=min(limit, _LIMIT_MAX))

    def cancel(self, job: str) -> Job:
        """Have a job given up: what was begun is undone. Again does no harm.

        A job whose last step has run by then is done all the same.

        Raises:
            NoSuchDurableJob, DurableJobEnded, JobBookUnreachable: nothing was cancelled.
        """
        found = self._book.cancel(job)
        self._wake()
        return found

    def wait(self, job: str, seconds: float) -> Job:
        """The job once it has ended, or as it is after so many seconds.

        Raises:
            NoSuchDurableJob, JobBookUnreachable: it cannot be had.
        """
        deadline = time.monotonic() + seconds
        while not (found := self._book.get(job)).status.ended and time.monotonic() < deadline:
            time.sleep(min(_LOOK, max(0.0, deadline - time.monotonic())))
        return found
