"""Removing a disk, in memory: deaths at every place, cancelled or not; what is not deleted is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.engine.jobs.model import Status
from tests.support.engine_stand import PATIENCE, MemoryStand
from tests.support.engine_world import wrong_at_end, wrong_now

STEPS = ["hold", "delete", "forget"]
PLACES = [f"do:{step} {moment}" for step in STEPS for moment in ("before", "ran", "kept")]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[MemoryStand]:
    one = MemoryStand(str(tmp_path))
    one.world.add_disk("mine")
    one.world.add_disk("other")
    yield one
    assert wrong_now(one.world) == []
    assert wrong_at_end(one.world) == []
    one.close()


@pytest.mark.parametrize("cancelled", [False, True], ids=["left-alone", "cancelled"])
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_dies_anywhere_leaves_the_disk_or_nothing(
    stand: MemoryStand, place: str, cancelled: bool
) -> None:
    dying = stand.worker(die=[place])
    job = stand.jobs.submit("disk.remove", {"disk": "mine"})
    dying.ended(PATIENCE)
    if cancelled:
        stand.jobs.cancel(job.id)
    stand.worker()
    job = stand.ended(job)
    if cancelled and place in PLACES[:2]:  # once it is known to be held, the deletion may have begun
        assert (job.status, job.leftovers) == (Status.COMPENSATED, ())
        assert set(stand.world.all("disk")) == {"mine", "other"}
        assert len(stand.world.all("volume")) == 2
        return
    assert set(stand.world.all("disk")) == {"other"}
    assert len(stand.world.all("volume")) == 1
    assert job.status is Status.DONE or [one["what"] for one in job.leftovers] == ["disk mine"]


def test_what_cannot_be_deleted_is_told(stand: MemoryStand) -> None:
    stand.world.add_disk("fast-stuck")
    stand.worker()
    job = stand.ended(stand.jobs.submit("disk.remove", {"disk": "fast-stuck"}))
    assert (job.status, len(job.result["left"])) == (Status.DONE, 1)
    assert set(stand.world.all("condemned")) == set(job.result["left"])


@pytest.mark.parametrize("disk", ["none", ""])
def test_what_is_not_there_is_not_removed(stand: MemoryStand, disk: str) -> None:
    stand.worker()
    if not disk:
        with pytest.raises(Exception, match="disk"):
            stand.jobs.submit("disk.remove", {"disk": disk})
        return
    job = stand.ended(stand.jobs.submit("disk.remove", {"disk": disk}))
    assert job.error is not None
    assert (job.status, job.error["code"]) == (Status.COMPENSATED, "template-disk-not-free")
