"""What is kept about jobs, in SQLite or PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from guestwright.base.printable import printable
from guestwright.engine.jobs.errors import (
    DurableJobEnded,
    DurableJobTaken,
    JobBookUnreachable,
    NoSuchDurableJob,
)
from guestwright.engine.jobs.memory_book import same_request
from guestwright.engine.jobs.model import Job, JobEvent, Status
from guestwright.engine.jobs.sql_schema import EVENTS, EVENTS_LOCK, JOBS, open_database, seconds


class SqlBook:
    """The `Book` in a database.

    Args:
        url: of the database, for SQLAlchemy.

    Raises:
        JobBookUnreachable: it cannot be opened.
        DatabaseTooNew: a later version of Guestwright has changed it.
    """

    def __init__(self, url: str) -> None:
        with _reached():
            self._engine = open_database(url)
            self._now = seconds(self._engine)
            self._reads = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def submit(self, job: Job) -> Job:
        """See `book.Book`."""
        try:
            with self._writing() as connection:
                now = connection.scalar(sa.select(self._now))
                row = {**_fields(job), "created": now, "owner": "", "until": 0.0}
                kept = connection.execute(JOBS.insert().values(row).returning(JOBS)).mappings().one()
                self._tell(connection, job.id, "submitted", {"kind": job.kind})
                return _job(kept)
        except IntegrityError:
            return self._submitted(job)

    def get(self, job: str) -> Job:
        """See `book.Book`."""
        with _reached(), self._reads.connect() as connection:
            row = connection.execute(JOBS.select().where(JOBS.c.id == job)).mappings().one_or_none()
        if row is None:
            raise NoSuchDurableJob(job=job)
        return _job(row)

    def find(self, *, status: Status | None, group: str | None, after: str, limit: int) -> list[Job]:
        """See `book.Book`."""
        query = JOBS.select().where(JOBS.c.id > after).order_by(JOBS.c.id).limit(limit)
        if status is not None:
            query = query.where(JOBS.c.status == status)
        if group is not None:
            query = query.where(JOBS.c.group == group)
        with _reached(), self._reads.connect() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def events(self, *, after: int, job: str | None, limit: int) -> list[JobEvent]:
        """See `book.Book`."""
        query = EVENTS.select().where(EVENTS.c.seq > after).order_by(EVENTS.c.seq).limit(limit)
        if job is not None:
            query = query.where(EVENTS.c.job == job)
        with _reached(), self._reads.connect() as connection:
            return [
                JobEvent(seq=row.seq, job=row.job, at=row.at, what=row.what, data=json.loads(row.data))
                for row in connection.execute(query)
            ]

    def cancel(self, job: str) -> Job:
        """See `book.Book`."""
        with self._writing() as connection:
            waiting = sa.case((JOBS.c.owner == "", 0.0), else_=JOBS.c.until)  # waits no longer for its time
            where = (JOBS.c.id == job, JOBS.c.ended == 0, ~JOBS.c.cancelling)
            row = self._changed(connection, where, cancelling=True, until=waiting)
            if row is not None:
                self._tell(connection, job, "cancelling", {})
                return row
        found = self.get(job)
        if found.status.ended:
            raise DurableJobEnded(job=job, status=found.status)
        return found

    def take(self, owner: str, lease: float, kinds: Sequence[tuple[str, int]]) -> Job | None:
        """See `book.Book`."""
        known = sa.tuple_(JOBS.c.kind, JOBS.c.version).in_(list(kinds))
        free = (JOBS.c.ended == 0, JOBS.c.until <= self._now, known)
        oldest = sa.select(JOBS.c.id).where(*free).order_by(JOBS.c.id).limit(1)
        with _reached(), self._reads.connect() as connection:
            if connection.scalar(oldest) is None:
                return None
        with self._writing() as connection:
            chosen = oldest.with_for_update(skip_locked=True).scalar_subquery()
            fresh = sa.case((JOBS.c.status == Status.PENDING, Status.RUNNING), else_=JOBS.c.status)
            job = self._changed(
                connection,
                (JOBS.c.id == chosen, *free),
                status=fresh,
                epoch=JOBS.c.epoch + 1,
                owner=owner,
                until=self._now + lease,
                started=sa.case((JOBS.c.started == 0, self._now), else_=JOBS.c.started),
            )
            if job is not None:
                self._tell(connection, job.id, "taken", {"epoch": job.epoch})
            return job

    def beat(self, owner: str, lease: float, held: Mapping[str, int]) -> dict[str, bool]:
        """See `book.Book`."""
        ours = (
            JOBS.update()
            .where(
                JOBS.c.owner == owner,
                JOBS.c.ended == 0,
                sa.tuple_(JOBS.c.id, JOBS.c.epoch).in_(list(held.items())),
            )
            .values(until=self._now + lease)
            .returning(JOBS.c.id, JOBS.c.cancelling)
        )
        with self._writing() as connection:
            return {row.id: bool(row.cancelling) for row in connection.execute(ours)}

    def note(
        self, job: Job, *, status: Status, step: str, done: int, total: int, note: str, quiet: bool = False
    ) -> Job:
        """See `book.Book`."""
        with self._writing() as connection:
            values = {"status": status, "step": step, "done": done, "total": total, "note": note}
            kept = self._changed(connection, _ours(job), **values)
            if kept is None:
                raise DurableJobTaken(job=job.id, epoch=job.epoch)
            if not quiet:
                what = "compensating" if status is Status.COMPENSATING else "step"
                self._tell(connection, job.id, what, {"step": step, "done": done, "total": total})
            return kept

    def release(self, job: Job, *, seconds: float, why: str) -> None:
        """See `book.Book`."""
        with self._writing() as connection:
            self._changed(connection, _ours(job), owner="", until=self._now + seconds, note=why)

    def end(
        self,
        job: Job,
        *,
        result: Any,
        error: Mapping[str, Any] | None,
        leftovers: Sequence[Mapping[str, Any]],
    ) -> Job:
        """See `book.Book`."""
        status = Status.DONE if error is None else Status.COMPENSATED
        with self._writing() as connection:
            kept = self._changed(
                connection,
                _ours(job),
                status=status,
                result=json.dumps(result),
                error=json.dumps(error),
                leftovers=json.dumps(list(leftovers)),
                note="",
                ended=self._now,
                **({"done": JOBS.c.total} if error is None else {}),
            )
            if kept is None:
                raise DurableJobTaken(job=job.id, epoch=job.epoch)
            for one in leftovers:
                self._tell(connection, job.id, "left", one)
            self._tell(connection, job.id, status, {} if error is None else {"error": dict(error)})
            return kept

    def _submitted(self, job: Job) -> Job:
        with _reached(), self._reads.connect() as connection:
            former = connection.execute(JOBS.select().where(JOBS.c.key == job.key)).mappings().one()
        return same_request(_job(former), job)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _reached(), self._engine.begin() as connection:
            yield connection

    def _changed(
        self, connection: sa.Connection, where: Sequence[sa.ColumnElement[bool]], **values: Any
    ) -> Job | None:
        change = JOBS.update().where(*where).values(values).returning(JOBS)
        row = connection.execute(change).mappings().one_or_none()
        return None if row is None else _job(row)

    def _tell(self, connection: sa.Connection, job: str, what: str, data: Mapping[str, Any]) -> None:
        if self._engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(EVENTS_LOCK)))
        row = {"job": job, "at": self._now, "what": str(what), "data": json.dumps(dict(data))}
        connection.execute(EVENTS.insert().values(row))


@contextmanager
def _reached() -> Iterator[None]:
    """Tell what the database meets in our words; what contradicts its rules is left alone."""
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        first = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise JobBookUnreachable(job="", problem=printable(first)[:200]) from error


def _ours(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return JOBS.c.id == job.id, JOBS.c.epoch == job.epoch, JOBS.c.ended == 0


def _fields(job: Job) -> dict[str, Any]:
    return {
        **{name: getattr(job, name) for name in _PLAIN},
        "parameters": json.dumps(dict(job.parameters)),
        "key": job.key or None,
        "status": str(job.status),
        "result": json.dumps(job.result),
        "error": json.dumps(job.error),
        "leftovers": json.dumps(list(job.leftovers)),
    }


_PLAIN = (
    *("id", "kind", "version", "group", "step", "done", "total", "note", "cancelling", "epoch"),
    *("started", "ended"),
)


def _job(row: sa.RowMapping) -> Job:
    return Job(
        **{name: row[name] for name in _PLAIN},
        created=row["created"],
        parameters=json.loads(row["parameters"]),
        key=row["key"] or "",
        status=Status(row["status"]),
        result=json.loads(row["result"]),
        error=json.loads(row["error"]),
        leftovers=tuple(json.loads(row["leftovers"])),
    )
