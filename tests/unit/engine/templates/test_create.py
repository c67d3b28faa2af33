"""Templates and machines, in memory: the exact order of what is done, and what stays when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.engine.jobs.model import Job, Status
from guestwright.engine.templates.errors import BadTemplateRequest
from tests.support.engine_stand import MemoryStand
from tests.support.engine_world import wrong_at_end, wrong_now


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[MemoryStand]:
    one = MemoryStand(str(tmp_path))
    one.worker()
    yield one
    assert wrong_now(one.world) == []
    assert wrong_at_end(one.world) == []
    one.close()


def template(stand: MemoryStand, vm: str, *, seal: bool = True) -> Job:
    stand.world.add_vm(vm)
    wanted = {"vm": vm, "name": "debian", "host": "h1", "domain": "d1", "seal": seal}
    return stand.ended(stand.jobs.submit("template.create", wanted))


def steps(stand: MemoryStand, job: Job) -> list[str]:
    return [one.data["step"] for one in stand.jobs.events(job=job.id) if "step" in one.data]


def test_a_sealed_template_is_made_in_the_order_that_was_decided(stand: MemoryStand) -> None:
    job = template(stand, "vm1")
    assert job.status is Status.DONE
    assert job.result["sealed"] == {"operations": 7}
    assert steps(stand, job) == [
        *("hold", "create", "copy", "mark-illegal", "seal", "mark-legal", "release", "unlock"),
    ]
    verbs = [what.split()[0] for what in stand.world.effects()]
    assert [verb for verb in verbs if verb in {"add", "copy", "seal"}] == ["add", "copy", "copy", "seal"]
    made = stand.world.all("template")[job.result["template"]]
    assert (made["ready"], made["job"], len(made["disks"])) == (True, "", 2)


def test_a_template_as_it_is_is_not_sealed(stand: MemoryStand) -> None:
    job = template(stand, "vm1", seal=False)
    assert (job.status, job.result["sealed"]) == (Status.DONE, None)
    assert steps(stand, job) == ["hold", "create", "copy", "release", "unlock"]


@pytest.mark.parametrize("fails", ["copy", "mark-illegal", "seal", "mark-shared"])
def test_a_failure_removes_the_template_and_its_disks(stand: MemoryStand, fails: str) -> None:
    job = template(stand, f"vm1-fails-{fails}")
    assert (job.status, job.leftovers) == (Status.COMPENSATED, ())
    assert stand.world.all("template") == {}
    assert set(stand.world.all("volume")) == {f"vm1-fails-{fails}-volume{n}" for n in range(2)}


@pytest.mark.parametrize("fails", ["seal", "mark-shared"])
def test_disks_that_cannot_be_removed_stay_illegal_and_are_listed(stand: MemoryStand, fails: str) -> None:
    job = template(stand, f"vm1-fails-{fails}-stuck")
    assert job.status is Status.COMPENSATED
    condemned = stand.world.all("condemned")
    assert len(condemned) == len(job.leftovers) == 2
    assert all(any(name in left["what"] for left in job.leftovers) for name in condemned)
    volumes = stand.world.all("volume")
    assert {volumes[name]["standing"] for name in condemned} == {"illegal"}
    assert stand.world.all("template") == {}


@pytest.mark.parametrize("thin", [True, False], ids=["thin", "whole"])
@pytest.mark.parametrize("seal", [True, False], ids=["sealed-again", "as-it-is"])
def test_machines_get_disks_and_payload_of_their_own(stand: MemoryStand, thin: bool, seal: bool) -> None:
    made = template(stand, "vm1").result["template"]
    wanted = {"template": made, "host": "h1", "domain": "d1", "thin": thin, "seal": seal, "payload": "p1"}
    job = stand.jobs.submit(
        "vm.create-many", {**wanted, "name": "web-{n}", "run_once": True, "count": 3, "first": 1}
    )
    machines = stand.ended(job).result["made"]
    assert list(machines) == ["web-1", "web-2", "web-3"]
    assert len(stand.jobs.find(group=job.id)) == 3
    for name, vm in machines.items():
        assert stand.world.all("given")[vm] == {"payload": "p1", "run_once": True}
        assert stand.world.all("attached")[vm]["payload"] == "p1"
        described = stand.world.all("domain")[vm]
        assert (described["name"], len(described["disks"])) == (name, 2)
        for disk in described["disks"]:
            volume = stand.world.all("volume")[disk["volume"]]
            assert volume["standing"] == "legal"
            assert ("base" in volume, volume.get("sealed", False)) == (thin, seal)


def test_one_machine_that_fails_leaves_the_others(stand: MemoryStand) -> None:
    made = template(stand, "vm1").result["template"]
    wanted = {"template": made, "host": "h1", "domain": "d1", "thin": True, "seal": False, "payload": ""}
    more = {"name": "x-fails-define-{n}", "run_once": False}
    job = stand.ended(stand.jobs.submit("vm.create", {**wanted, **more, "name": "x-fails-define"}))
    assert job.status is Status.COMPENSATED
    many = stand.ended(stand.jobs.submit("vm.create-many", {**wanted, **more, "count": 2, "first": 1}))
    assert many.result == {"made": {}, "failed": {f"x-fails-define-{n}": "usage" for n in (1, 2)}}
    assert set(stand.world.all("vm")) == {"vm1"}


def test_a_machine_held_by_another_job_makes_no_template(stand: MemoryStand) -> None:
    stand.world.add_vm("vm1")
    with stand.world.change() as cursor:
        cursor.execute("UPDATE things SET body = json_set(body, '$.job', 'other') WHERE id = 'vm1'")
    wanted = {"vm": "vm1", "name": "debian", "host": "h1", "domain": "d1", "seal": True}
    job = stand.ended(stand.jobs.submit("template.create", wanted))
    assert job.error is not None
    assert job.error["code"] == "template-machine-held"
    with stand.world.change() as cursor:
        cursor.execute("UPDATE things SET body = json_set(body, '$.job', '') WHERE id = 'vm1'")


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "a\nb"}, {"seal": "yes"}, {"more": 1}, {"vm": None}],
    ids=["no-name", "bad-name", "no-truth-value", "unknown-field", "missing"],
)
def test_bad_requests_make_no_job(stand: MemoryStand, changes: dict[str, object]) -> None:
    wanted = {"vm": "vm1", "name": "debian", "host": "h1", "domain": "d1", "seal": True}
    with pytest.raises(BadTemplateRequest):
        stand.jobs.submit("template.create", {**wanted, **changes})
    assert stand.jobs.find() == []
