"""What is in the store stays there, and only its owner writes."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.jobs.errors import (
    BadJob,
    Fenced,
    JobExists,
    JobsUnusable,
    NoSuchJob,
    TooManyJobs,
)
from guestwright.host.jobs.model import PARAMETERS_MAX, Job, Status, check_id
from guestwright.host.jobs.store import JobStore

JOB = Job(id="j1", kind="k", parameters={"a": [1, {"b": None}]}, created=5.0)


def path(tmp_path: Path) -> str:
    return str(tmp_path / "jobs.db")


def test_what_was_added_is_there_for_the_next_owner(tmp_path: Path) -> None:
    with JobStore(path(tmp_path)) as store:
        store.add(JOB)
        first = store.epoch
    with JobStore(path(tmp_path)) as store:
        assert store.get("j1") == JOB
        assert store.epoch == first + 1
    assert stat.S_IMODE(os.stat(path(tmp_path)).st_mode) == 0o600


def test_the_same_job_again_is_the_one_that_is_there(tmp_path: Path) -> None:
    with JobStore(path(tmp_path)) as store:
        store.add(JOB)
        store.change(JOB, among=(Status.PENDING,), status=Status.DONE, result={"x": 1})
        assert store.add(replace(JOB, created=9.0)).result == {"x": 1}
        for other in (replace(JOB, kind="l"), replace(JOB, parameters={})):
            with pytest.raises(JobExists):
                store.add(other)
        assert len(store.all()) == 1


def test_a_former_owner_writes_nothing(tmp_path: Path) -> None:
    with JobStore(path(tmp_path)) as old:
        old.add(JOB)
        with JobStore(path(tmp_path)) as new:
            for write in (
                lambda: old.add(replace(JOB, id="j2")),
                lambda: old.change(JOB, among=(Status.PENDING,), status=Status.DONE),
                lambda: old.remove(JOB),
            ):
                with pytest.raises(Fenced):
                    write()
            assert new.all() == [JOB]


def test_a_former_attempt_writes_nothing(tmp_path: Path) -> None:
    with JobStore(path(tmp_path)) as store:
        store.add(JOB)
        now = store.change(JOB, among=(Status.PENDING,), attempt=1, status=Status.RUNNING)
        with pytest.raises(Fenced):
            store.change(JOB, among=(Status.RUNNING,), status=Status.DONE)
        with pytest.raises(Fenced):
            store.change(now, among=(Status.PENDING,), status=Status.DONE)
        assert store.change(now, among=(Status.RUNNING,), status=Status.DONE).status is Status.DONE


def test_there_is_an_end_to_how_many_are_kept(tmp_path: Path) -> None:
    with JobStore(path(tmp_path), most=2) as store:
        store.add(JOB)
        store.add(replace(JOB, id="j2"))
        with pytest.raises(TooManyJobs):
            store.add(replace(JOB, id="j3"))
        store.add(JOB)
        store.remove(JOB)
        store.add(replace(JOB, id="j3"))
        assert [one.id for one in store.all(Status.PENDING)] == ["j2", "j3"]
        assert store.all(Status.DONE) == []
        with pytest.raises(NoSuchJob):
            store.get("j1")


@pytest.mark.parametrize(
    "parameters",
    [{"a": object()}, {"a": float("nan")}, {"a": "x" * PARAMETERS_MAX}, {"a": b"bytes"}],
    ids=["object", "nan", "too-much", "bytes"],
)
def test_parameters_are_plain_json_of_bounded_size(tmp_path: Path, parameters: dict[str, object]) -> None:
    with JobStore(path(tmp_path)) as store, pytest.raises(BadJob):
        store.add(replace(JOB, parameters=parameters))


@pytest.mark.parametrize("name", ["", "-a", "a/b", "a b", "../a", "a\n", "ä", "a" * 65])
def test_what_is_no_id(name: str) -> None:
    with pytest.raises(BadJob):
        check_id(name)


def test_a_damaged_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    Path(path(tmp_path)).write_bytes(b"no database" * 1000)
    with pytest.raises(JobsUnusable, match=r"jobs\.db"):
        JobStore(path(tmp_path))


def test_a_later_layout_is_left_alone(tmp_path: Path) -> None:
    JobStore(path(tmp_path)).close()
    with sqlite3.connect(path(tmp_path)) as database:
        database.execute("UPDATE owner SET version = 2")
    database.close()
    with pytest.raises(JobsUnusable, match="version 2"):
        JobStore(path(tmp_path))


@pytest.mark.parametrize(
    ("done", "total", "status", "percent"),
    [
        (0, 0, Status.RUNNING, None),
        (1, 3, Status.RUNNING, 33),
        (9, 3, Status.RUNNING, 100),
        (0, 0, Status.DONE, 100),
    ],
)
def test_percent(done: int, total: int, status: Status, percent: int | None) -> None:
    assert replace(JOB, done=done, total=total, status=status).percent == percent
