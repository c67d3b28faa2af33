"""Removing a machine, in memory: what is undone, what goes forward, and what stays when a worker dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.engine.jobs.errors import DurableJobEnded
from guestwright.engine.jobs.model import Job, Status
from guestwright.engine.templates.errors import BadTemplateRequest
from tests.support.engine_stand import PATIENCE, MemoryStand
from tests.support.engine_world import put, wrong_at_end, wrong_now

STEPS = ["hold", "undefine", "condemn", "delete", "forget"]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[MemoryStand]:
    one = MemoryStand(str(tmp_path))
    yield one
    assert wrong_now(one.world) == []
    assert wrong_at_end(one.world) == []
    one.close()


def defined(stand: MemoryStand, name: str = "vm1") -> None:
    stand.world.add_vm(name)
    with stand.world.change() as cursor:
        put(cursor, "domain", name, {"name": name})
        for kind in ("attached", "given"):
            put(cursor, kind, name, {"payload": "p1", "run_once": False})


def submitted(stand: MemoryStand, name: str = "vm1") -> Job:
    return stand.jobs.submit("vm.remove", {"vm": name, "name": name, "host": "h1"})


def test_all_of_a_machine_is_gone(stand: MemoryStand) -> None:
    stand.worker()
    defined(stand)
    stand.world.add_vm("other")
    job = stand.ended(submitted(stand))
    assert (job.status, job.result) == (Status.DONE, {"vm": "vm1", "left": []})
    assert [one.data["step"] for one in stand.jobs.events(job=job.id) if "step" in one.data] == STEPS
    assert set(stand.world.all("vm")) == {"other"}
    assert set(stand.world.all("volume")) == {"other-volume0", "other-volume1"}
    assert stand.world.all("domain") == stand.world.all("condemned") == {}


def test_a_volume_that_cannot_be_deleted_is_told_and_stays_condemned(stand: MemoryStand) -> None:
    stand.worker()
    defined(stand, "vm1-stuck")
    job = stand.ended(submitted(stand, "vm1-stuck"))
    left = ["vm1-stuck-volume0", "vm1-stuck-volume1"]
    assert (job.status, job.result["left"]) == (Status.DONE, left)
    assert {one["standing"] for one in stand.world.all("volume").values()} == {"illegal"}
    assert set(stand.world.all("condemned")) == set(left)
    assert stand.world.all("vm") == {}


def test_a_machine_that_another_job_holds_stays(stand: MemoryStand) -> None:
    stand.worker()
    defined(stand)
    with stand.world.change() as cursor:
        cursor.execute("UPDATE things SET body = json_set(body, '$.job', 'other') WHERE kind = 'vm'")
    job = stand.ended(submitted(stand))
    assert job.error is not None
    assert (job.status, job.error["code"]) == (Status.COMPENSATED, "template-machine-held")
    assert set(stand.world.all("domain")) == {"vm1"}
    with stand.world.change() as cursor:
        cursor.execute("UPDATE things SET body = json_set(body, '$.job', '') WHERE kind = 'vm'")


PLACES = [f"do:{step} {moment}" for step in STEPS for moment in ("before", "ran", "kept")]


@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_dies_anywhere_leaves_the_rest_to_the_next(stand: MemoryStand, place: str) -> None:
    dying = stand.worker(die=[place])
    defined(stand)
    job = submitted(stand)
    dying.ended(PATIENCE)
    stand.worker()
    job = stand.ended(job)
    assert job.status is Status.DONE
    assert stand.world.all("vm") == stand.world.all("volume") == stand.world.all("domain") == {}


@pytest.mark.parametrize("place", [one for one in PLACES if not one.endswith("forget kept")])
def test_a_cancelled_removal_is_either_undone_or_completed(stand: MemoryStand, place: str) -> None:
    dying = stand.worker(die=[place])
    defined(stand)
    job = submitted(stand)
    dying.ended(PATIENCE)
    stand.jobs.cancel(job.id)
    stand.worker()
    job = stand.ended(job)
    begun = stand.world.all("vm") == {}
    assert begun == (PLACES.index(place) >= PLACES.index("do:condemn ran"))
    assert (stand.world.all("volume") == {}) == begun
    if begun:
        told = [one["what"] for one in job.leftovers]
        assert (job.status is Status.DONE) or told == ["machine vm1"]
    else:
        assert job.status is Status.COMPENSATED
        assert stand.world.all("domain")["vm1"]["name"] == "vm1"
        assert stand.world.all("given")["vm1"]["payload"] == "p1"
        assert stand.world.all("vm")["vm1"]["job"] == ""
        assert stand.world.all("condemned") == {}


def test_what_has_ended_cannot_be_cancelled(stand: MemoryStand) -> None:
    stand.worker()
    defined(stand)
    job = stand.ended(submitted(stand))
    with pytest.raises(DurableJobEnded):
        stand.jobs.cancel(job.id)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"vm": "v", "name": "n"}, id="no-host"),
        pytest.param({"vm": "", "name": "n", "host": ""}, id="no-machine"),
        pytest.param({"vm": "v", "name": "n", "host": "", "force": True}, id="more"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(stand: MemoryStand, wanted: dict[str, object]) -> None:
    with pytest.raises(BadTemplateRequest):
        stand.jobs.submit("vm.remove", wanted)
