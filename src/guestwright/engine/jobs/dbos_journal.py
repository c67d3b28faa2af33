"""Outcomes of steps kept by DBOS, on SQLite or PostgreSQL.

Theory of operation: DBOS runs one workflow, `durable_job`, whose source never changes, and keeps what each of
its steps returned. Of its functions only public ones are used: start, run_step, list, cancel, delete. What it
would do by itself when something dies is not used, because it is wrong for us in ways that were seen:

* It starts an unfinished workflow again wherever a process of the same executor id starts, even while the
  first one lives, and leaves it for ever when none does. So each process has an id of its own, and what is
  taken up, and by whom, our book decides: by lease and epoch.
* A workflow taken from an executor that only hung runs twice under one id, and both write the same journal.
  So each epoch of a job is a workflow of its own (`<job>.<epoch>`), which is given the outcomes of those
  before it; the former one is cancelled, and what it may still write nobody reads once the next has begun.
* Work of another application version is never run. So the version is fixed; kinds have our own.
* It pickles. So everything is in its portable JSON, and exceptions never reach it: an outcome is a value.

One DBOS is all that a process can have: its functions are global.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.engine.jobs.errors import JobBookUnreachable
from guestwright.engine.jobs.model import Job
from guestwright.engine.jobs.saga import AGAIN, Keep, Outcome

_LOG: Final = logging.getLogger(__name__)
_NAME: Final = "guestwright"
_VERSION: Final = "saga-1"
_WORKFLOW: Final = "durable_job"
_RUNNING: Final = frozenset({"PENDING", "ENQUEUED", "DELAYED"})


@record
class _Attempt:
    run: Callable[[Keep], None]
    gone: Callable[[], None]
    known: dict[str, Outcome]


_attempts: dict[str, _Attempt] = {}
"""What each workflow of this process is to run, by its id: code cannot be an argument of a workflow."""


@DBOS.workflow(name=_WORKFLOW)
def durable_job(workflow: str) -> None:
    """Run one attempt at a job."""
    attempt = _attempts.pop(workflow)

    def keep(name: str, body: Callable[[], Outcome], /) -> Outcome:
        if name in attempt.known:
            return attempt.known[name]
        return DBOS.run_step({"name": name}, body)

    try:
        attempt.run(keep)
    finally:
        attempt.gone()


class DbosJournal:
    """The `Journal` on DBOS.

    Args:
        url: of the database, for SQLAlchemy. On PostgreSQL DBOS has its tables in the schema "dbos".
        owner: id of this process, another one each time that it starts.
    """

    def __init__(self, url: str, owner: str) -> None:
        self._config: DBOSConfig = {
            "name": _NAME,
            "system_database_url": url,
            "application_version": _VERSION,
            "executor_id": owner,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
            "enable_otlp": False,
        }

    def open(self) -> None:
        """See `journal.Journal`; raises `JobBookUnreachable`."""
        try:
            _write_ahead(str(self._config["system_database_url"]))
            DBOS(config=self._config)
            DBOS.launch()
        except (dbos_error.DBOSException, SQLAlchemyError) as error:
            raise _unreachable(error) from error

    def start(self, job: Job, attempt: Callable[[Keep], None], gone: Callable[[], None]) -> None:
        """See `journal.Journal`."""
        workflow = f"{job.id}.{job.epoch}"
        try:
            known: dict[str, Outcome] = {}
            for former in self._workflows(job.id):
                if former.status in _RUNNING:
                    DBOS.cancel_workflow(former.workflow_id)
                known |= _outcomes(former.workflow_id)
            _attempts[workflow] = _Attempt(run=attempt, gone=gone, known=known)
            with SetWorkflowID(workflow):
                DBOS.start_workflow(durable_job, workflow)
        except (dbos_error.DBOSException, SQLAlchemyError) as error:
            _attempts.pop(workflow, None)
            raise _unreachable(error) from error

    def jobs(self) -> list[str]:
        """See `journal.Journal`."""
        try:
            found = DBOS.list_workflows(name=_WORKFLOW, load_input=False, load_output=False)
        except (dbos_error.DBOSException, SQLAlchemyError) as error:
            raise _unreachable(error) from error
        return sorted({one.workflow_id.rpartition(".")[0] for one in found})

    def forget(self, job: str) -> bool:
        """See `journal.Journal`."""
        try:
            found = self._workflows(job)
            if any(
                one.status in _RUNNING and one.executor_id == self._config["executor_id"] for one in found
            ):
                return False
            DBOS.delete_workflows([one.workflow_id for one in found])
        except (dbos_error.DBOSException, SQLAlchemyError) as error:
            raise _unreachable(error) from error
        return True

    def close(self) -> None:
        """See `journal.Journal`."""
        DBOS.destroy()

    def _workflows(self, job: str) -> list[WorkflowStatus]:
        """Those of the job's earlier attempts, in the order of their epochs."""
        found = DBOS.list_workflows(workflow_id_prefix=f"{job}.", load_input=False, load_output=False)
        return sorted(found, key=lambda one: int(one.workflow_id.rpartition(".")[2]))


def _outcomes(workflow: str) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for step in DBOS.list_workflow_steps(workflow):
        outcome: Any = step["output"]
        if isinstance(outcome, dict) and outcome.get("is", AGAIN) != AGAIN:
            found[step["function_name"]] = outcome
    return found


def _write_ahead(url: str) -> None:
    """A file of SQLite keeps its journal mode: set here, DBOS' own connections have it, too."""
    if not url.startswith("sqlite"):
        return
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    finally:
        engine.dispose()


def _unreachable(error: Exception) -> JobBookUnreachable:
    first = str(getattr(error, "orig", None) or error).partition("\n")[0]
    return JobBookUnreachable(job="", problem=printable(first)[:200])
