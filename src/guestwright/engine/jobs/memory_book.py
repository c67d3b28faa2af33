"""What is kept about jobs, in memory: for unit tests, and for a trial that need not outlive the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guestwright.base.record import record, replace
from guestwright.engine.jobs.errors import DurableJobEnded, DurableJobTaken, JobKeyReused, NoSuchDurableJob
from guestwright.engine.jobs.model import Job, JobEvent, Status, encode


@record
class _Row:
    job: Job
    owner: str = ""
    until: float = 0.0


class MemoryBook:
    """The `Book` in memory; several workers may share one, as they would share a database.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._rows: dict[str, _Row] = {}
        self._events: list[JobEvent] = []

    def submit(self, job: Job) -> Job:
        """See `book.Book`."""
        with self._lock:
            for row in self._rows.values():
                if job.key and row.job.key == job.key:
                    return same_request(row.job, job)
            kept = replace(job, created=self._clock())
            self._rows[job.id] = _Row(job=kept)
            self._tell(kept, "submitted", {"kind": job.kind})
            return kept

    def get(self, job: str) -> Job:
        """See `book.Book`."""
        with self._lock:
            return self._row(job).job

    def find(self, *, status: Status | None, group: str | None, after: str, limit: int) -> list[Job]:
        """See `book.Book`."""
        with self._lock:
            found = [
                row.job
                for name, row in sorted(self._rows.items())
                if name > after
                and (status is None or row.job.status is status)
                and (group is None or row.job.group == group)
            ]
        return found[:limit]

    def events(self, *, after: int, job: str | None, limit: int) -> list[JobEvent]:
        """See `book.Book`."""
        with self._lock:
            return [one for one in self._events[after:] if job is None or one.job == job][:limit]

    def cancel(self, job: str) -> Job:
        """See `book.Book`."""
        with self._lock:
            row = self._row(job)
            if row.job.status.ended:
                raise DurableJobEnded(job=job, status=row.job.status)
            if not row.job.cancelling:
                row = self._change(row, cancelling=True, until=row.until if row.owner else 0.0)
                self._tell(row.job, "cancelling", {})
            return row.job

    def take(self, owner: str, lease: float, kinds: Sequence[tuple[str, int]]) -> Job | None:
        """See `book.Book`."""
        with self._lock:
            now = self._clock()
            for _, row in sorted(self._rows.items()):
                job = row.job
                if job.status.ended or row.until > now or (job.kind, job.version) not in kinds:
                    continue
                status = Status.RUNNING if job.status is Status.PENDING else job.status
                changes = {"status": status, "epoch": job.epoch + 1, "started": job.started or now}
                taken = self._change(row, owner=owner, until=now + lease, **changes)
                self._tell(taken.job, "taken", {"epoch": taken.job.epoch})
                return taken.job
            return None

    def beat(self, owner: str, lease: float, held: Mapping[str, int]) -> dict[str, bool]:
        """See `book.Book`."""
        ours = {}
        with self._lock:
            for name, epoch in held.items():
                row = self._row(name)
                if (row.owner, row.job.epoch) == (owner, epoch) and not row.job.status.ended:
                    self._change(row, until=self._clock() + lease)
                    ours[name] = row.job.cancelling
        return ours

    def note(
        self, job: Job, *, status: Status, step: str, done: int, total: int, note: str, quiet: bool = False
    ) -> Job:
        """See `book.Book`."""
        with self._lock:
            before = self._ours(job)
            row = self._change(before, status=status, step=step, done=done, total=total, note=note)
            if not quiet:
                what = "compensating" if status is Status.COMPENSATING else "step"
                self._tell(row.job, what, {"step": step, "done": done, "total": total})
            return row.job

    def release(self, job: Job, *, seconds: float, why: str) -> None:
        """See `book.Book`."""
        with self._lock:
            row = self._rows.get(job.id)
            if row is not None and row.job.epoch == job.epoch and not row.job.status.ended:
                self._change(row, owner="", until=self._clock() + seconds, note=why)

    def end(
        self,
        job: Job,
        *,
        result: Any,
        error: Mapping[str, Any] | None,
        leftovers: Sequence[Mapping[str, Any]],
    ) -> Job:
        """See `book.Book`."""
        with self._lock:
            status = Status.DONE if error is None else Status.COMPENSATED
            ours = self._ours(job)
            changes = {"result": result, "error": error, "leftovers": tuple(leftovers), "note": ""}
            if error is None:
                changes["done"] = ours.job.total
            row = self._change(ours, status=status, ended=self._clock(), **changes)
            for one in leftovers:
                self._tell(row.job, "left", one)
            self._tell(row.job, status, {} if error is None else {"error": dict(error)})
            return row.job

    def _row(self, job: str) -> _Row:
        try:
            return self._rows[job]
        except KeyError:
            raise NoSuchDurableJob(job=job) from None

    def _ours(self, job: Job) -> _Row:
        row = self._row(job.id)
        if row.job.epoch != job.epoch or row.job.status.ended:
            raise DurableJobTaken(job=job.id, epoch=job.epoch)
        return row

    def _change(
        self, row: _Row, *, owner: str | None = None, until: float | None = None, **changes: Any
    ) -> _Row:
        changed = _Row(
            job=replace(row.job, **changes),
            owner=row.owner if owner is None else owner,
            until=row.until if until is None else until,
        )
        self._rows[row.job.id] = changed
        return changed

    def _tell(self, job: Job, what: str, data: Mapping[str, Any]) -> None:
        at = self._clock()
        self._events.append(
            JobEvent(seq=len(self._events) + 1, job=job.id, at=at, what=str(what), data=dict(data))
        )


def same_request(former: Job, wanted: Job) -> Job:
    """The job of a key, when it is asked for again with the same request.

    Raises:
        JobKeyReused: it is another request.
    """
    if former.kind != wanted.kind or encode(former.kind, dict(former.parameters)) != encode(
        wanted.kind, dict(wanted.parameters)
    ):
        raise JobKeyReused(key=wanted.key, job=former.id)
    return former
