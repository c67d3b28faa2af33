"""Jobs run, report, end, are cancelled, fenced, stopped and taken up again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.errors import UsageError
from guestwright.base.progress import Step
from guestwright.host.jobs.errors import (
    BadJob,
    CancelRefused,
    Fenced,
    JobExists,
    JobNotActive,
    JobNotEnded,
    JobsUnusable,
    NoSuchJob,
    NoSuchKind,
)
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind, Work
from guestwright.host.jobs.model import PARAMETERS_MAX, Job, Restart, Status
from guestwright.host.jobs.store import JobStore

PATIENCE = 60.0


@contextmanager
def service(tmp_path: Path, *kinds: Kind, changed: Callable[[Job], None] = print) -> Iterator[Jobs]:
    with JobStore(str(tmp_path / "jobs.db")) as store:
        jobs = Jobs(store, kinds, threads=2, changed=changed)
        jobs.start()
        try:
            yield jobs
        finally:
            assert jobs.stop(PATIENCE)


class Gate:
    """Work that waits at a gate, looking up often."""

    def __init__(self) -> None:
        self.inside, self.open = threading.Event(), threading.Event()
        self.runs = 0
        self.commits = False

    def run(self, work: Work) -> Any:
        self.runs += 1
        if self.commits:
            work.commit()
        self.inside.set()
        while not self.open.wait(0.01):
            work.check()
        return self.runs


def test_a_job_runs_and_its_result_waits_until_it_is_collected(tmp_path: Path) -> None:
    seen: list[Job] = []
    double = Kind(name="double", run=lambda work: work.job.parameters["n"] * 2)
    with service(tmp_path, double, changed=seen.append) as jobs:
        job = jobs.submit("double", {"n": 21})
        assert jobs.wait(job.id, PATIENCE).result == 42
    with service(tmp_path, double) as jobs:
        found = jobs.collect(job.id)
        assert (found.status, found.result, found.attempt, found.percent) == (Status.DONE, 42, 1, 100)
        with pytest.raises(NoSuchJob):
            jobs.get(job.id)
    assert [one.status for one in seen] == [Status.PENDING, Status.RUNNING, Status.DONE]


def test_a_submission_may_be_repeated(tmp_path: Path) -> None:
    gate = Gate()
    with service(tmp_path, Kind(name="gate", run=gate.run)) as jobs:
        for _ in range(3):
            jobs.submit("gate", {"a": (1,)}, job="mine")
        with pytest.raises(JobExists):
            jobs.submit("gate", {"a": [2]}, job="mine")
        gate.open.set()
        assert jobs.wait("mine", PATIENCE).result == 1
        assert jobs.submit("gate", {"a": [1]}, job="mine").result == 1
    assert gate.runs == 1


def test_what_cannot_be_submitted(tmp_path: Path) -> None:
    with service(tmp_path, Kind(name="gate", run=print)) as jobs:
        with pytest.raises(NoSuchKind, match="gate"):
            jobs.submit("fly", {})
        with pytest.raises(BadJob):
            jobs.submit("gate", {}, job="../x")


def test_a_named_failure_keeps_its_name_and_a_mistake_tells_no_values(tmp_path: Path) -> None:
    def refuse(work: Work) -> None:
        raise UsageError(problem="not like this")

    def break_down(work: Work) -> None:
        raise RuntimeError("canary-55aa")

    kinds = [
        Kind(name="refuse", run=refuse),
        Kind(name="break", run=break_down),
        Kind(name="large", run=lambda _: "x" * PARAMETERS_MAX),
    ]
    with service(tmp_path, *kinds) as jobs:
        ended = {name: jobs.wait(jobs.submit(name, {}).id, PATIENCE) for name in ("refuse", "break", "large")}
    assert {one.status for one in ended.values()} == {Status.FAILED}
    errors = {name: one.error or {} for name, one in ended.items()}
    assert errors["refuse"]["code"] == "usage"
    assert errors["large"]["code"] == "job-bad"
    assert errors["break"]["code"] == "job-crashed"
    assert "RuntimeError at test_jobs.py" in errors["break"]["message"]
    assert "canary-55aa" not in str(errors)


def test_progress_is_seen_while_it_runs(tmp_path: Path) -> None:
    gate = Gate()

    def run(work: Work) -> Any:
        work.progress(Step(name="x", done=3, total=4, text="three \x1b of four"))
        return gate.run(work)

    with service(tmp_path, Kind(name="gate", run=run)) as jobs:
        job = jobs.submit("gate", {})
        assert gate.inside.wait(PATIENCE)
        found = jobs.get(job.id)
        assert (found.percent, found.text) == (75, "three \\x1b of four")
        assert jobs.all(Status.RUNNING)[0].percent == 75
        with pytest.raises(JobNotEnded):
            jobs.collect(job.id)
        gate.open.set()
        assert jobs.wait(job.id, PATIENCE).text == "three \\x1b of four"


def test_cancel(tmp_path: Path) -> None:
    gates = [Gate(), Gate(), Gate()]
    kinds = [Kind(name=f"gate{number}", run=gate.run) for number, gate in enumerate(gates)]
    with service(tmp_path, *kinds) as jobs:
        ids = [jobs.submit(kind.name, {}).id for kind in kinds]
        assert gates[0].inside.wait(PATIENCE)
        assert gates[1].inside.wait(PATIENCE)
        assert jobs.cancel(ids[2]).status is Status.ABORTED, "it waited for a thread"
        assert jobs.cancel(ids[0]).status in {Status.ABORTING, Status.ABORTED}
        assert jobs.wait(ids[0], PATIENCE).status is Status.ABORTED
        with pytest.raises(JobNotActive):
            jobs.cancel(ids[0])
        gates[1].open.set()
        assert jobs.wait(ids[1], PATIENCE).status is Status.DONE
    assert gates[2].runs == 0


def test_cancelled_in_the_moment_in_which_it_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = JobStore.change
    services: list[Jobs] = []

    def change(store: JobStore, job: Job, *, among: tuple[Status, ...], **values: Any) -> Job:
        changed = genuine(store, job, among=among, **values)
        if values["status"] is Status.RUNNING:
            services[0].cancel(job.id)
        return changed

    monkeypatch.setattr(JobStore, "change", change)
    gate = Gate()
    with service(tmp_path, Kind(name="gate", run=gate.run)) as jobs:
        services.append(jobs)
        assert jobs.wait(jobs.submit("gate", {}).id, PATIENCE).status is Status.ABORTED
    assert gate.runs == 0


def test_nothing_is_cancelled_that_only_goes_forward(tmp_path: Path) -> None:
    gate = Gate()
    gate.commits = True
    with service(tmp_path, Kind(name="gate", run=gate.run)) as jobs:
        job = jobs.submit("gate", {})
        assert gate.inside.wait(PATIENCE)
        with pytest.raises(CancelRefused):
            jobs.cancel(job.id)
        gate.open.set()
        assert jobs.wait(job.id, PATIENCE).status is Status.DONE


def test_a_fenced_job_has_failed_whatever_its_thread_does(tmp_path: Path) -> None:
    inside, go_on, over = threading.Event(), threading.Event(), threading.Event()
    refused: list[str] = []

    def run(work: Work) -> str:
        inside.set()
        assert go_on.wait(PATIENCE)
        try:
            work.save({"late": True})
        except Fenced as error:
            refused.append(error.code)
        over.set()
        return "late"

    undone: list[int] = []
    slow = Kind(name="slow", run=run, undo=lambda work: undone.append(work.job.attempt))
    with service(tmp_path, slow) as jobs:
        job = jobs.submit("slow", {})
        assert inside.wait(PATIENCE)
        assert jobs.fence(job.id).status is Status.FAILED
        assert undone == [1]
        go_on.set()
        assert over.wait(PATIENCE)
    with service(tmp_path) as jobs:
        found = jobs.get(job.id)
        assert (found.status, found.result, found.state) == (Status.FAILED, None, None)
        assert refused == ["job-fenced"]
        with pytest.raises(JobNotActive):
            jobs.fence(job.id)


def test_another_service_takes_over_and_the_old_one_ends_nothing(tmp_path: Path) -> None:
    gate, again = Gate(), Gate()
    again.open.set()
    with JobStore(str(tmp_path / "jobs.db")) as store:
        old = Jobs(store, [Kind(name="gate", run=gate.run, restart=Restart.RESUME)])
        old.start()
        job = old.submit("gate", {})
        assert gate.inside.wait(PATIENCE)
        with service(tmp_path, Kind(name="gate", run=again.run, restart=Restart.RESUME)) as jobs:
            assert jobs.wait(job.id, PATIENCE).attempt == 2
            gate.open.set()
            assert old.stop(PATIENCE)
            assert jobs.get(job.id).attempt == 2
            assert jobs.get(job.id).status is Status.DONE
        with pytest.raises(Fenced):
            old.submit("gate", {})


def test_a_stop_leaves_what_can_be_resumed_and_the_rest_fails_by_name(tmp_path: Path) -> None:
    gates = {"again": Gate(), "once": Gate()}
    undone: list[str] = []

    def kinds() -> list[Kind]:
        return [
            Kind(name="again", run=gates["again"].run, restart=Restart.RESUME),
            Kind(name="once", run=gates["once"].run, undo=lambda work: undone.append(work.job.id)),
        ]

    with service(tmp_path, *kinds()) as jobs:
        again, once = (jobs.submit(name, {}).id for name in ("again", "once"))
        waiting = jobs.submit("once", {}).id
        assert all(gate.inside.wait(PATIENCE) for gate in gates.values())
    for gate in gates.values():
        gate.open.set()
    with service(tmp_path, *kinds()) as jobs:
        assert jobs.wait(again, PATIENCE).result == 2
        failed = jobs.get(once)
        assert failed.status is Status.FAILED
        assert failed.error is not None
        assert failed.error["code"] == "job-interrupted"
        assert jobs.wait(waiting, PATIENCE).status is Status.DONE, "it had not begun"
    assert undone == [once]


def test_a_kind_that_is_gone_ends_its_jobs(tmp_path: Path) -> None:
    with JobStore(str(tmp_path / "jobs.db")) as store:
        idle = Jobs(store, [Kind(name="old", run=print)], threads=0)
        idle.start()
        job = idle.submit("old", {})
    with service(tmp_path) as jobs:
        found = jobs.get(job.id)
        assert found.status is Status.FAILED
        assert found.error is not None
        assert found.error["code"] == "job-kind-unknown"


def test_saved_state_is_there_in_the_next_attempt(tmp_path: Path) -> None:
    began = threading.Event()

    def run(work: Work) -> Any:
        if work.job.state is None:
            work.save({"step": 1})
            began.set()
            while True:
                work.check()
        return work.job.state

    kind = Kind(name="steps", run=run, restart=Restart.RESUME)
    with service(tmp_path, kind) as jobs:
        job = jobs.submit("steps", {})
        assert began.wait(PATIENCE)
    with service(tmp_path, kind) as jobs:
        assert jobs.wait(job.id, PATIENCE).result == {"step": 1}


def test_a_job_that_cannot_be_begun_on_a_full_disk_is_begun_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = ["full", "full", "still full"]
    genuine = JobStore.change

    def change(store: JobStore, job: Job, *, among: tuple[Status, ...], **values: Any) -> Job:
        if failures:
            raise JobsUnusable(path="jobs.db", detail=failures.pop())
        return genuine(store, job, among=among, **values)

    monkeypatch.setattr(JobStore, "change", change)
    with service(tmp_path, Kind(name="quick", run=lambda _: 7)) as jobs:
        assert jobs.wait(jobs.submit("quick", {}).id, PATIENCE).result == 7
    assert not failures


def test_an_end_that_cannot_be_kept_on_a_full_disk_is_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = ["full", "full"]
    genuine = JobStore.change

    def change(store: JobStore, job: Job, *, among: tuple[Status, ...], **values: Any) -> Job:
        if failures and values["status"] is Status.DONE:
            raise JobsUnusable(path="jobs.db", detail=failures.pop())
        return genuine(store, job, among=among, **values)

    monkeypatch.setattr(JobStore, "change", change)
    with service(tmp_path, Kind(name="quick", run=lambda _: 7)) as jobs:
        found = jobs.wait(jobs.submit("quick", {}).id, PATIENCE)
    assert (found.result, found.attempt) == (7, 1)


def test_a_listener_that_fails_costs_no_job(tmp_path: Path) -> None:
    def fail(job: Job) -> None:
        raise ValueError(job.id)

    with service(tmp_path, Kind(name="quick", run=lambda _: 7), changed=fail) as jobs:
        ids = [jobs.submit("quick", {}).id for _ in range(5)]
        assert [jobs.wait(one, PATIENCE).result for one in ids] == [7] * 5
