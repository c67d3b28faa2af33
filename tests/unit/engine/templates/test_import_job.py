"""Templates of uploaded disks, in memory: the order of what is done, deaths at every place, what stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.engine.jobs.model import Job, Status
from guestwright.engine.templates.errors import BadTemplateRequest
from tests.support.engine_stand import PATIENCE, MemoryStand
from tests.support.engine_world import wrong_at_end, wrong_now

MACHINE = {
    "vcpus": 2,
    "memory": 1 << 30,
    "os_family": "linux",
    "firmware": "",
    "machine": "",
    "nics": [{"network": "lan", "bridge": "", "model": "virtio"}],
}
SEALED = ["hold", "check", "mark-illegal", "create", "seal", "mark-shared", "unlock"]
PLAIN = ["hold", "check", "create", "mark-shared", "unlock"]
PLACES = ["do:hold before", *(f"do:{step} {moment}" for step in SEALED for moment in ("ran", "kept"))]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[MemoryStand]:
    one = MemoryStand(str(tmp_path))
    yield one
    assert wrong_now(one.world) == []
    assert wrong_at_end(one.world) == []
    one.close()


def wanted(*disks: str, seal: bool = True, **more: Any) -> dict[str, Any]:
    listed = [
        {"disk": name, "target": f"vd{'abc'[number]}", "sha256": f"{len(name):064x}"}
        for number, name in enumerate(disks)
    ]
    return {"name": "golden", "disks": listed, "machine": MACHINE, "seal": seal, **more}


def submitted(stand: MemoryStand, *disks: str, **more: Any) -> Job:
    for one in disks:
        stand.world.add_disk(one)
    return stand.jobs.submit("template.import", wanted(*disks, **more))


@pytest.mark.parametrize("seal", [True, False])
def test_disks_become_a_template(stand: MemoryStand, seal: bool) -> None:
    stand.worker()
    job = stand.ended(submitted(stand, "one", "two!", seal=seal))
    assert job.status is Status.DONE
    assert job.result["sealed"] == ({"operations": 7} if seal else None)
    steps = [one.data["step"] for one in stand.jobs.events(job=job.id) if "step" in one.data]
    assert steps == (SEALED if seal else PLAIN)
    made = stand.world.all("template")[job.result["template"]]
    assert (made["ready"], made["job"], [one["disk"] for one in made["disks"]]) == (True, "", ["one", "two!"])
    assert {one["standing"] for one in stand.world.all("volume").values()} == {"shared"}
    assert {bool(one.get("sealed")) for one in stand.world.all("volume").values()} == {seal}


@pytest.mark.parametrize("seal", [True, False])
@pytest.mark.parametrize("fails", ["checksum", "mark-illegal", "seal", "mark-shared"])
def test_a_failure_removes_the_template_and_its_disks(stand: MemoryStand, fails: str, seal: bool) -> None:
    stand.worker()
    job = stand.ended(submitted(stand, f"one-fails-{fails}", "two", seal=seal))
    if not seal and fails in ("mark-illegal", "seal"):
        assert job.status is Status.DONE
        return
    assert (job.status, job.leftovers) == (Status.COMPENSATED, ())
    assert stand.world.all("template") == stand.world.all("volume") == stand.world.all("disk") == {}


def test_a_disk_that_is_another_one_makes_no_template(stand: MemoryStand) -> None:
    stand.worker()
    stand.world.add_disk("one")
    request = wanted("one")
    request["disks"][0]["sha256"] = "f" * 64
    job = stand.ended(stand.jobs.submit("template.import", request))
    assert job.error is not None
    assert (job.status, job.error["code"]) == (Status.COMPENSATED, "template-disk-changed")
    assert stand.world.all("template") == stand.world.all("volume") == {}


def test_disks_that_somebody_has_stay_as_they_are(stand: MemoryStand) -> None:
    stand.worker()
    first = stand.ended(submitted(stand, "one"))
    stand.world.add_disk("two")
    job = stand.ended(stand.jobs.submit("template.import", wanted("two", "one")))
    assert job.error is not None
    assert (first.status, job.error["code"]) == (Status.DONE, "template-disk-not-free")
    assert stand.world.all("volume")["two-volume"]["standing"] == "legal"
    assert not stand.world.all("disk")["two"]["job"]


def test_disks_that_cannot_be_removed_stay_illegal_and_are_listed(stand: MemoryStand) -> None:
    stand.worker()
    job = stand.ended(submitted(stand, "one-fails-seal-stuck"))
    assert (job.status, len(job.leftovers)) == (Status.COMPENSATED, 1)
    assert list(stand.world.all("condemned")) == ["one-fails-seal-stuck-volume"]
    assert stand.world.all("volume")["one-fails-seal-stuck-volume"]["standing"] == "illegal"
    assert stand.world.all("template") == {}


@pytest.mark.parametrize("cancelled", [False, True], ids=["left-alone", "cancelled"])
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_dies_anywhere_leaves_all_or_nothing(
    stand: MemoryStand, place: str, cancelled: bool
) -> None:
    dying = stand.worker(die=[place])
    job = submitted(stand, "one")
    dying.ended(PATIENCE)
    assert wrong_now(stand.world) == []
    if cancelled:
        stand.jobs.cancel(job.id)
    stand.worker()
    job = stand.ended(job)
    if job.status is Status.DONE:
        assert stand.world.all("template")[job.result["template"]]["ready"]
        return
    assert cancelled
    assert stand.world.all("template") == {}
    assert set(stand.world.all("volume")) == ({"one-volume"} if place in PLACES[:2] else set())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " x"}, "name"),
        ({"disks": []}, "disks"),
        ({"disks": [{"disk": "a", "target": "../x", "sha256": ""}]}, "disks"),
        ({"disks": [{"disk": "a", "target": "vda", "sha256": "XYZ"}]}, "disks"),
        ({"disks": [{"disk": "a", "target": t, "sha256": ""} for t in ("vda", "vdb")]}, "disks"),
        ({"disks": [{"disk": "a", "target": "vda"}]}, "sha256"),
        ({"machine": {**MACHINE, "vcpus": "2"}}, "vcpus"),
        ({"machine": {**MACHINE, "nics": [{"network": "x"}]}}, "nics"),
        ({"more": 1}, "more"),
    ],
)
def test_requests_that_make_no_sense(stand: MemoryStand, change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadTemplateRequest) as caught:
        stand.jobs.submit("template.import", {**wanted("one"), **change})
    assert caught.value.params["field"] == field
