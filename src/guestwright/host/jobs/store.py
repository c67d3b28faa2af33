"""Jobs in SQLite: each change is durable when its call returns, and only the present owner may make one.

Theory of operation: the file holds one number, the epoch. Who opens it as the owner raises it by one; every
write looks, in its own transaction, whether the epoch is still the writer's, and for a job that runs also
whether its attempt is still the one that writes. So a former owner that was only slow (stopped, swapped out,
cut off) can end nothing and overwrite nothing, without any clock. The journal is a write-ahead log with a
flush for each commit (sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous: FULL): what was
answered survives a kill and a loss of power.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from guestwright.base.record import fields
from guestwright.host.jobs import orders
from guestwright.host.jobs.errors import Fenced, JobExists, JobsUnusable, NoSuchJob, TooManyJobs
from guestwright.host.jobs.model import Job, Status, encode
from guestwright.host.jobs.orders import Order

_VERSION: Final = 1
_BUSY_SECONDS: Final = 30.0
_MOST: Final = 10_000
_JSON: Final = frozenset({"parameters", "state", "result", "error"})
_COLUMNS: Final = tuple(one.name for one in fields(Job))
_TABLES: Final = """
CREATE TABLE owner (
  one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT;
INSERT INTO owner VALUES (1, 1, 0);
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, parameters TEXT NOT NULL, status TEXT NOT NULL,
  done INTEGER NOT NULL, total INTEGER NOT NULL, text TEXT NOT NULL,
  state TEXT NOT NULL, result TEXT NOT NULL, error TEXT NOT NULL,
  epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,
  created REAL NOT NULL, started REAL NOT NULL, ended REAL NOT NULL) STRICT;
"""


class JobStore:
    """The jobs of one host, and the right to change them. Its calls may come from any thread.

    Args:
        path: of the database; made, for this user alone, if it is not there.
        most: how many jobs may be in it.

    Raises:
        JobsUnusable: it cannot be opened, or is of a later version.
    """

    def __init__(self, path: str, *, most: int = _MOST) -> None:
        self._path = path
        self._most = most
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise JobsUnusable(path=path, detail=str(error)) from error
        self.epoch = 0
        try:
            self._take_over()
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        with self._lock:
            self._database.close()

    def add(self, job: Job, order: Order | None = None) -> Job:
        """Keep a new job.

        Args:
            job: the job.
            order: whose order it is; None for nobody's.

        Returns:
            The job; the one that is there if it has the same id, kind and parameters.

        Raises:
            JobExists: the id is another job's.
            OrderTooLate: see `orders.admit`.
            TooManyJobs, BadJob, Fenced, JobsUnusable: it was not kept.
        """
        row = _row(job)
        with self._change() as database:
            if order is not None:
                orders.admit(database, order)
                orders.note(database, job.id, order)
            there = database.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM jobs WHERE id = ?",  # noqa: S608 - names of fields
                (job.id,),
            ).fetchone()
            if there is not None:
                former = _job(there)
                if former.kind != job.kind or encode(job.id, former.parameters) != encode(
                    job.id, job.parameters
                ):
                    raise JobExists(job=job.id)
                return former
            count = database.execute("SELECT count(*) FROM jobs").fetchone()[0]
            if count >= self._most and not orders.make_room(database):
                raise TooManyJobs(count=count)
            marks = ", ".join("?" * len(_COLUMNS))
            database.execute(f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({marks})", row)  # noqa: S608 - as above
        return job

    def admit(self, order: Order) -> None:
        """Note that somebody orders; see `orders.admit`."""
        with self._change() as database:
            orders.admit(database, order)

    def forward(self, job: str) -> list[Job]:
        """What was ordered for somebody's job, but for what undoes it; oldest first."""
        return self._read(
            "WHERE id IN (SELECT id FROM ordered WHERE job = ? AND undo = 0) ORDER BY created, rowid", (job,)
        )

    def get(self, job: str) -> Job:
        """One job.

        Raises:
            NoSuchJob, JobsUnusable: it is not to be had.
        """
        found = self._read("WHERE id = ?", (job,))
        if not found:
            raise NoSuchJob(job=job)
        return found[0]

    def all(self, *statuses: Status) -> list[Job]:
        """All jobs, or those of some statuses, oldest first."""
        marks = ", ".join("?" * len(statuses))
        where = f"WHERE status IN ({marks})" if statuses else ""
        return self._read(f"{where} ORDER BY created, rowid", tuple(str(one) for one in statuses))

    def change(self, job: Job, *, among: tuple[Status, ...], **values: Any) -> Job:
        """Change some fields of a job.

        Args:
            job: the job; its `attempt` must still be the present one.
            among: in which statuses the change makes sense.
            values: of fields of `Job`.

        Returns:
            The job as it is now.

        Raises:
            Fenced: another owner, another attempt or another status came before.
            BadJob, JobsUnusable: nothing was changed.
        """
        sets = ", ".join(f"{name} = ?" for name in values)
        row = [encode(job.id, value) if name in _JSON else _plain(value) for name, value in values.items()]
        marks = ", ".join("?" * len(among))
        with self._change() as database:
            done = database.execute(
                f"UPDATE jobs SET {sets} WHERE id = ? AND attempt = ? AND status IN ({marks})",  # noqa: S608 - as above
                (*row, job.id, job.attempt, *(str(one) for one in among)),
            )
            if done.rowcount != 1:
                raise Fenced(what=f"job {job.id}")
        return self.get(job.id)

    def remove(self, job: Job) -> None:
        """Forget a job.

        Raises:
            Fenced, JobsUnusable: it is still there.
        """
        with self._change() as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
            orders.forget(database, job.id)

    def _take_over(self) -> None:
        with self._lock, self._sound():
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("BEGIN IMMEDIATE")
            try:
                known = self._database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'owner'").fetchone()
                if known is None:
                    for statement in _TABLES.split(";\n"):
                        self._database.execute(statement)
                self._check_version()
                for statement in orders.TABLES.strip().split(";\n"):
                    self._database.execute(statement)
                self._database.execute("UPDATE owner SET epoch = epoch + 1")
                self.epoch = self._database.execute("SELECT epoch FROM owner").fetchone()[0]
                self._database.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction of the present owner."""
        with self._lock, self._sound():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._check_owner()
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _check_version(self) -> None:
        version = self._database.execute("SELECT version FROM owner").fetchone()[0]
        if version != _VERSION:
            raise JobsUnusable(path=self._path, detail=f"its layout is version {version}")

    def _check_owner(self) -> None:
        if self._database.execute("SELECT epoch FROM owner").fetchone()[0] != self.epoch:
            raise Fenced(what=f"the list of jobs in {self._path}")

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def _read(self, where: str, values: tuple[Any, ...]) -> list[Job]:
        with self._lock, self._sound():
            rows = self._database.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM jobs {where}",  # noqa: S608 - as above
                values,
            ).fetchall()
        return [_job(row) for row in rows]

    @contextmanager
    def _sound(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JobsUnusable(path=self._path, detail=str(error)) from error


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Status) else value


def _row(job: Job) -> list[Any]:
    values = [(name, getattr(job, name)) for name in _COLUMNS]
    return [encode(job.id, value) if name in _JSON else _plain(value) for name, value in values]


def _job(row: tuple[Any, ...]) -> Job:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _JSON:
        values[name] = json.loads(values[name])
    return Job(**{**values, "status": Status(values["status"])})
