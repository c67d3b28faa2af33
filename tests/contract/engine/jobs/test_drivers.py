"""What every driver of durable jobs does: in memory, and DBOS on SQLite and on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from guestwright.engine.jobs.errors import DurableJobEnded, JobKeyReused, NoSuchDurableJob
from guestwright.engine.jobs.model import Job, Status
from tests.support.engine_stand import PATIENCE, MemoryStand, SqlStand, Stand
from tests.support.engine_worker import WorkerServer
from tests.support.postgres import Cluster, needs_postgres, postgres

FORWARD = [
    place
    for name in ("one", "two", "three")
    for place in (f"do:{name} before", f"do:{name} ran", f"do:{name} kept")
]
BACKWARD = [
    place
    for name in ("three", "two", "one")
    for place in (f"undo:{name} before", f"undo:{name} ran", f"undo:{name} kept")
]
ENDS = ["end before", "end kept"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerServer]:
    with WorkerServer(str(tmp_path_factory.mktemp("workers"))) as one:
        yield one


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgres() as one:
        yield one


@pytest.fixture(
    params=[
        "memory",
        pytest.param("sqlite", marks=pytest.mark.system),
        pytest.param("postgres", marks=[pytest.mark.system, needs_postgres]),
    ]
)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    one = make(request, tmp_path)
    yield one
    one.close()


def make(request: pytest.FixtureRequest, tmp_path: Path) -> Stand:
    if request.param == "memory":
        return MemoryStand(str(tmp_path))
    server = request.getfixturevalue("server")
    if request.param == "sqlite":
        return SqlStand(str(tmp_path), f"sqlite:///{tmp_path}/jobs.db", server)
    return SqlStand(str(tmp_path), request.getfixturevalue("cluster").database(), server)


def ended(stand: Stand, job: Job) -> Job:
    return stand.ended(job)


def did(stand: Stand, job: Job) -> list[str]:
    """Effects of a job in their order; none of them twice."""
    assert stand.world.twice() == []
    return [what.removeprefix(f"{job.id} ") for what in stand.world.effects() if what.startswith(job.id)]


ALL = ["do one", "do two", "do three"]
NONE = [*ALL, "undo three", "undo two", "undo one"]


def test_a_job_is_done_step_by_step_and_tells_so(stand: Stand) -> None:
    stand.worker()
    job = stand.jobs.submit("test.saga", {"shy": "two", "late": "three"})
    done = ended(stand, job)
    assert (done.status, done.error, done.leftovers) == (Status.DONE, None, ())
    assert done.result == {"one": "one done", "two": "two done", "three": "three done"}
    assert did(stand, job) == ALL
    assert 0 < done.created <= done.started <= done.ended
    events = stand.jobs.events(job=job.id)
    assert [one.seq for one in events] == sorted(one.seq for one in events)
    told = [(one.what, one.data.get("step")) for one in events if one.what != "taken"]
    assert told == [
        ("submitted", None),
        *(("step", name) for name in ("one", "two", "three", "three")),
        ("done", None),
    ]
    assert stand.jobs.events(job=job.id, after=events[2].seq) == events[3:]


def test_what_fails_is_undone_in_reverse(stand: Stand) -> None:
    stand.worker()
    job = stand.jobs.submit("test.saga", {"fails": "three", "stuck": "two"})
    failed = ended(stand, job)
    assert failed.status is Status.COMPENSATED
    assert failed.error is not None
    assert (failed.error["code"], failed.error["step"]) == ("usage", "three")
    assert failed.leftovers == ({"what": "two", "reason": "stuck"},)
    assert did(stand, job) == [*ALL, "undo three", "undo one"]


def test_what_nobody_thought_of_is_undone_too(stand: Stand) -> None:
    stand.worker()
    failed = ended(stand, stand.jobs.submit("test.saga", {"crashes": "two"}))
    assert failed.status is Status.COMPENSATED
    assert failed.error is not None
    assert failed.error["code"] == "durable-job-step-crashed"


def test_a_key_gets_the_same_job(stand: Stand) -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: stand.jobs.submit("test.saga", {"a": 1, "b": 2}, key="k"), range(8)))
    assert len({job.id for job in jobs}) == 1
    with pytest.raises(JobKeyReused):
        stand.jobs.submit("test.saga", {"a": 2, "b": 2}, key="k")
    stand.worker()
    ended(stand, jobs[0])
    assert stand.jobs.submit("test.saga", {"b": 2, "a": 1}, key="k").status is Status.DONE
    assert stand.jobs.find() == [stand.jobs.get(jobs[0].id)]


def test_a_job_that_waits_and_one_that_runs_are_cancelled(stand: Stand) -> None:
    pending = stand.jobs.submit("test.saga", {})
    stand.jobs.cancel(pending.id)
    stand.worker()
    running = stand.jobs.submit("test.saga", {"waits": "two"})
    deadline = time.monotonic() + PATIENCE
    while stand.jobs.get(running.id).step != "two":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stand.jobs.cancel(running.id)
    stand.jobs.cancel(running.id)
    for job in (pending, running):
        found = ended(stand, job)
        assert found.status is Status.COMPENSATED
        assert found.error is not None
        assert found.error["code"] == "durable-job-cancelled"
        with pytest.raises(DurableJobEnded):
            stand.jobs.cancel(job.id)
    assert "do one" not in did(stand, pending)
    assert "do three" not in did(stand, running)
    with pytest.raises(NoSuchDurableJob):
        stand.jobs.cancel("nobody")


@pytest.mark.parametrize(
    ("parameters", "places", "status", "effects"),
    [
        pytest.param({}, [*FORWARD, *ENDS], Status.DONE, ALL, id="forward"),
        pytest.param({"fails": "three"}, [*BACKWARD, *ENDS], Status.COMPENSATED, NONE, id="backward"),
    ],
)
def test_a_worker_killed_at_any_place_loses_nothing(
    stand: Stand, parameters: dict[str, str], places: list[str], status: Status, effects: list[str]
) -> None:
    """Each worker dies in its job; the next one finishes that job, once it dies in its own."""
    jobs: list[Job] = []
    for place in places:
        if jobs:
            helper = stand.worker(lease=0.6)
            ended(stand, jobs[-1])
            helper.kill()
        jobs.append(stand.jobs.submit("test.saga", parameters))
        stand.worker(die=[place], lease=0.6).ended(PATIENCE)
    stand.worker(lease=0.6)
    for place, job in zip(places, jobs, strict=True):
        found = ended(stand, job)
        assert (found.status, found.leftovers) == (status, ()), place
        assert did(stand, job) == effects, place
        assert found.epoch >= (1 if place == "end kept" else 2), place


def test_several_workers_share_the_work(stand: Stand) -> None:
    workers = [stand.worker() for _ in range(3)]
    jobs = [stand.jobs.submit("test.saga", {"fails": "two"} if n % 4 == 0 else {}) for n in range(24)]
    for number, job in enumerate(jobs):
        found = ended(stand, job)
        assert found.status is (Status.COMPENSATED if number % 4 == 0 else Status.DONE)
        assert did(stand, job) == (["do one", "do two", "undo two", "undo one"] if number % 4 == 0 else ALL)
    for worker in workers:
        worker.close()


def test_a_worker_that_ends_in_order_gives_its_jobs_back(stand: Stand) -> None:
    first = stand.worker(lease=1000)
    job = stand.jobs.submit("test.saga", {"waits": "two"})
    deadline = time.monotonic() + PATIENCE
    while stand.jobs.get(job.id).step != "two":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.close()
    assert stand.jobs.get(job.id).status is Status.RUNNING
    stand.worker()  # has the job long before that lease would have ended
    stand.jobs.cancel(job.id)
    assert ended(stand, job).epoch >= 2
    assert did(stand, job) == ["do one", "do two", "undo two", "undo one"]


def test_work_under_way_outlives_an_upgrade(stand: Stand) -> None:
    job = stand.jobs.submit("test.saga", {"fails": "three"})
    stand.worker(die=["undo:two ran"], lease=0.6).ended(PATIENCE)
    stand.worker(lease=0.6, versions=[2])  # knows nothing of this kind's first version
    time.sleep(1.5)
    assert stand.jobs.get(job.id).status is Status.COMPENSATING
    stand.worker(lease=0.6, versions=[1, 2])
    assert ended(stand, job).status is Status.COMPENSATED
    assert did(stand, job) == NONE
