"""What only processes can show: a worker that hangs, and databases that go away."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guestwright.engine.jobs.errors import JobBookUnreachable
from guestwright.engine.jobs.model import Status
from tests.support.engine_stand import PATIENCE, SqlStand
from tests.support.engine_worker import WorkerServer
from tests.support.postgres import Cluster, needs_postgres, postgres

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerServer]:
    with WorkerServer(str(tmp_path_factory.mktemp("workers"))) as one:
        yield one


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgres() as one:
        yield one


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs_postgres)])
def stand(request: pytest.FixtureRequest, tmp_path: Path, server: WorkerServer) -> Iterator[SqlStand]:
    url = f"sqlite:///{tmp_path}/jobs.db"
    if request.param == "postgres":
        url = request.getfixturevalue("cluster").database()
    one = SqlStand(str(tmp_path), url, server)
    yield one
    one.close()


@pytest.mark.parametrize("place", ["do:two before", "do:two ran", "undo:two ran"])
def test_a_worker_that_hangs_past_its_lease_does_nothing_more(stand: SqlStand, place: str) -> None:
    """It is stopped, another one finishes its job, and then it goes on."""
    hung = stand.worker(stop=[place], lease=0.6)
    job = stand.jobs.submit("test.saga", {"fails": "three"})
    deadline = time.monotonic() + PATIENCE
    while not stand.world.all("hung"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stand.worker(lease=0.6)
    found = stand.ended(job)
    assert found.status is Status.COMPENSATED
    assert found.epoch >= 2
    before = stand.world.effects()
    hung.send(signal.SIGCONT)
    hung.send(signal.SIGUSR2)
    later = stand.jobs.submit("test.saga", {})
    assert stand.ended(later).status is Status.DONE
    hung.close()  # in order: it is well
    assert [one for one in stand.world.effects() if later.id not in one] == before
    assert stand.jobs.get(job.id) == found
    assert stand.world.twice() == []


def test_nothing_of_ended_jobs_stays_in_the_journal(stand: SqlStand, tmp_path: Path) -> None:
    jobs = [stand.jobs.submit("test.saga", {}) for _ in range(3)]
    stand.worker(die=["do:three ran"], lease=0.6).ended(PATIENCE)
    stand.worker(lease=0.6)
    for job in jobs:
        assert stand.ended(job).status is Status.DONE
    if not stand.url.startswith("sqlite"):
        return
    deadline = time.monotonic() + PATIENCE
    while True:
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
            (left,) = connection.execute("SELECT count(*) FROM workflow_status").fetchone()
        if not left:
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)


@needs_postgres
def test_the_database_restarts_while_work_is_taken_over(
    cluster: Cluster, server: WorkerServer, tmp_path: Path
) -> None:
    stand = SqlStand(str(tmp_path), cluster.database(), server)
    jobs = [stand.jobs.submit("test.saga", {"fails": "three"} if n % 2 else {}) for n in range(8)]
    stand.worker(die=["do:two ran"], lease=0.6).ended(PATIENCE)
    stand.worker(lease=0.6)
    deadline = time.monotonic() + PATIENCE
    while all(stand.jobs.get(job.id).epoch < 2 for job in jobs):
        assert time.monotonic() < deadline
    for _ in range(3):
        cluster.stop()
        with pytest.raises(JobBookUnreachable):
            stand.jobs.get(jobs[0].id)
        time.sleep(0.3)
        cluster.start()
        time.sleep(0.3)
    for number, job in enumerate(jobs):
        assert stand.ended(job).status is (Status.COMPENSATED if number % 2 else Status.DONE)
    assert stand.world.twice() == []
    stand.close()


def test_pickles_are_not_written(stand: SqlStand, tmp_path: Path) -> None:
    """Whoever reads the journal gets JSON: our serializer is the one that DBOS uses for all that it keeps."""
    stand.jobs.submit("test.saga", {})
    stand.worker(die=["do:three ran"], lease=0.6).ended(PATIENCE)
    if stand.url.startswith("sqlite"):
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
            kept = connection.execute("SELECT serialization, output FROM operation_outputs").fetchall()
            assert kept
            assert {row[0] for row in kept} == {"portable_json"}
    assert os.path.exists(stand.server.log)
