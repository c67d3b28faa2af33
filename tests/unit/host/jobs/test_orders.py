"""Orders of somebody else's job: once, never late, and given up before they are undone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guestwright.host.jobs import jobs as jobs_module
from guestwright.host.jobs.errors import JobExists, OrderTooLate, OrderWaits, TooManyJobs
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind, Work
from guestwright.host.jobs.model import Job, Status
from guestwright.host.jobs.orders import Order
from guestwright.host.jobs.store import JobStore

PATIENCE = 60.0
FIRST = Order(job="engine-1", epoch=1)
SECOND = Order(job="engine-1", epoch=2)
UNDO = Order(job="engine-1", epoch=1, undo=True)
OTHER = Order(job="engine-2", epoch=1)


class Doing:
    """Work that goes on until it is let go; it looks up often, unless it only goes forward."""

    def __init__(self) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        self.commits = False

    def run(self, work: Work) -> Any:
        if self.commits:
            work.commit()
        self.inside.set()
        while not self.go.wait(0.01):
            work.check()
        return "done"


@contextmanager
def service(tmp_path: Path, run: Callable[[Work], Any], most: int = 100) -> Iterator[Jobs]:
    with JobStore(str(tmp_path / "jobs.db"), most=most) as store:
        jobs = Jobs(store, [Kind(name="k", run=run)], threads=1)
        jobs.start()
        try:
            yield jobs
        finally:
            assert jobs.stop(PATIENCE)


def test_a_later_worker_finds_the_job_and_the_former_orders_nothing_more(tmp_path: Path) -> None:
    doing = Doing()
    with service(tmp_path, doing.run) as jobs:
        made = jobs.submit("k", {}, job="j", order=FIRST)
        assert jobs.submit("k", {}, job="j", order=SECOND).id == made.id
        for name in ("j", "new"):
            with pytest.raises(OrderTooLate, match="nothing more in its epoch 1"):
                jobs.submit("k", {}, job=name, order=FIRST)
        jobs.submit("k", {}, job="o", order=OTHER)  # another's job has its own epochs
        doing.go.set()
        assert jobs.wait("j", PATIENCE).result == "done"
        assert [one.id for one in jobs.all()] == ["j", "o"]


def test_what_is_undone_is_given_up_first_and_never_comes_after(tmp_path: Path) -> None:
    doing = Doing()
    with service(tmp_path, doing.run) as jobs:
        jobs.submit("k", {"n": 1}, job="runs", order=FIRST)
        jobs.submit("k", {"n": 2}, job="waits", order=FIRST)
        jobs.submit("k", {"n": 3}, job="other", order=OTHER)
        assert doing.inside.wait(PATIENCE)
        undoing = jobs.submit("k", {"n": 4}, job="undoes", order=UNDO)
        assert {jobs.get(name).status for name in ("runs", "waits")} == {Status.ABORTED}
        with pytest.raises(OrderTooLate):
            jobs.submit("k", {"n": 5}, job="late", order=FIRST)
        assert jobs.submit("k", {"n": 4}, job="undoes", order=UNDO).id == undoing.id
        doing.go.set()
        assert jobs.wait("undoes", PATIENCE).status is Status.DONE
        assert jobs.wait("other", PATIENCE).status is Status.DONE


def test_what_only_goes_forward_ends_before_it_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "_MAKE_WAY", 0.05)
    doing = Doing()
    doing.commits = True
    with service(tmp_path, doing.run) as jobs:
        jobs.submit("k", {}, job="runs", order=FIRST)
        assert doing.inside.wait(PATIENCE)
        with pytest.raises(OrderWaits, match="runs"):
            jobs.submit("k", {"n": 1}, job="undoes", order=UNDO)
        with pytest.raises(OrderWaits, match="runs"), jobs.ordered(UNDO):
            raise AssertionError("it came in between")
        doing.go.set()
        assert jobs.wait("runs", PATIENCE).status is Status.DONE
        jobs.submit("k", {"n": 1}, job="undoes", order=UNDO)
        assert jobs.wait("undoes", PATIENCE).status is Status.DONE


def test_what_takes_no_job_is_refused_when_it_is_late(tmp_path: Path) -> None:
    with service(tmp_path, lambda _: None) as jobs:
        with jobs.ordered(SECOND):
            pass
        with pytest.raises(OrderTooLate), jobs.ordered(FIRST):
            raise AssertionError("it was done")


def test_who_may_order_is_known_after_a_restart(tmp_path: Path) -> None:
    with service(tmp_path, lambda _: None) as jobs, jobs.ordered(UNDO):
        pass
    with service(tmp_path, lambda _: None) as jobs:
        with pytest.raises(OrderTooLate):
            jobs.submit("k", {}, job="j", order=FIRST)
        jobs.submit("k", {}, job="j", order=SECOND)


def test_a_refused_submission_makes_nobody_the_one_who_orders(tmp_path: Path) -> None:
    with service(tmp_path, lambda _: None) as jobs:
        jobs.submit("k", {}, job="j", order=OTHER)
        with pytest.raises(JobExists):
            jobs.submit("k", {"another": True}, job="j", order=FIRST)
        assert jobs.wait("j", PATIENCE).status is Status.DONE
        assert jobs.collect("j").id == "j"


def test_results_of_orders_that_nobody_came_for_make_room(tmp_path: Path) -> None:
    with service(tmp_path, lambda _: None, most=3) as jobs:
        jobs.submit("k", {}, job="kept")
        for number in range(5):
            jobs.submit("k", {}, job=f"j{number}", order=FIRST)
            assert jobs.wait(f"j{number}", PATIENCE).status is Status.DONE
        assert "kept" in {one.id for one in jobs.all()}
        for number in range(2):
            jobs.submit("k", {}, job=f"mine{number}")
            jobs.wait(f"mine{number}", PATIENCE)
        with pytest.raises(TooManyJobs):
            jobs.submit("k", {}, job="mine2")


def test_a_store_of_before_there_were_orders_is_taken_over(tmp_path: Path) -> None:
    path = str(tmp_path / "jobs.db")
    with JobStore(path) as store:
        store.add(Job(id="j", kind="k", parameters={}, created=1.0))
    database = sqlite3.connect(path)
    database.executescript("DROP TABLE orders; DROP TABLE ordered")
    database.close()
    with JobStore(path) as store:
        store.admit(SECOND)
        assert store.get("j").kind == "k"
        with pytest.raises(OrderTooLate):
            store.admit(FIRST)
