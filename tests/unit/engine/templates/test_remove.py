"""Removing a template, in memory: it goes forward from the moment in which its disks are condemned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.engine.jobs.model import Status
from tests.support.engine_stand import PATIENCE, MemoryStand
from tests.support.engine_world import wrong_at_end, wrong_now

STEPS = ["condemn", "delete", "forget"]
PLACES = [f"do:{step} {moment}" for step in STEPS for moment in ("before", "ran", "kept")]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[MemoryStand]:
    one = MemoryStand(str(tmp_path))
    yield one
    assert wrong_now(one.world) == []
    assert wrong_at_end(one.world) == []
    one.close()


def made(stand: MemoryStand, vm: str = "vm1") -> str:
    worker = stand.worker()
    stand.world.add_vm(vm)
    wanted = {"vm": vm, "name": "debian", "host": "h1", "domain": "d1", "seal": True}
    job = stand.ended(stand.jobs.submit("template.create", wanted))
    worker.close()
    return str(job.result["template"])


@pytest.mark.parametrize("cancelled", [False, True], ids=["left-alone", "cancelled"])
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_dies_anywhere_leaves_all_or_nothing(
    stand: MemoryStand, place: str, cancelled: bool
) -> None:
    template = made(stand)
    dying = stand.worker(die=[place])
    job = stand.jobs.submit("template.remove", {"template": template})
    dying.ended(PATIENCE)
    if cancelled:
        stand.jobs.cancel(job.id)
    stand.worker()
    job = stand.ended(job)
    if cancelled and place == PLACES[0]:
        assert (job.status, job.leftovers) == (Status.COMPENSATED, ())
        assert stand.world.all("template")[template]["ready"]
        return
    assert stand.world.all("template") == stand.world.all("condemned") == {}
    assert set(stand.world.all("volume")) == {"vm1-volume0", "vm1-volume1"}
    assert job.status is Status.DONE or [one["reason"] for one in job.leftovers]


def test_what_cannot_be_deleted_is_told(stand: MemoryStand) -> None:
    template = made(stand, "vm1-stuck")
    stand.worker()
    job = stand.ended(stand.jobs.submit("template.remove", {"template": template}))
    assert (job.status, len(job.result["left"])) == (Status.DONE, 2)
    assert set(stand.world.all("condemned")) == set(job.result["left"])


def test_what_is_not_there_is_not_removed(stand: MemoryStand) -> None:
    stand.worker()
    job = stand.ended(stand.jobs.submit("template.remove", {"template": "none"}))
    assert job.error is not None
    assert (job.status, job.error["code"]) == (Status.COMPENSATED, "template-not-ready")
