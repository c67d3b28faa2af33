"""Workers are killed at random while templates and machines are made: all ends whole, and done once."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.engine.jobs.model import Job, Status
from tests.support.engine_stand import SqlStand
from tests.support.engine_worker import Life, WorkerServer
from tests.support.engine_world import wrong_at_end, wrong_now
from tests.support.postgres import needs_postgres, postgres

pytestmark = pytest.mark.system

KILLS = 20 if "CI" in os.environ else 50  # on each database
LEASE = 0.4
NAMES = ["plain", "plain", "shy", "fails-seal", "fails-copy", "fails-mark-shared", "fails-seal-stuck"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs_postgres)])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStand]:
    with WorkerServer(str(tmp_path)) as server:
        if request.param == "sqlite":
            one = SqlStand(str(tmp_path), f"sqlite:///{tmp_path}/jobs.db", server)
            yield one
            one.close()
            return
        with postgres() as cluster:
            one = SqlStand(str(tmp_path), cluster.database(), server)
            yield one
            one.close()


def submit_template(stand: SqlStand, number: int, name: str) -> Job:
    vm = f"vm{number}-{name}"
    stand.world.add_vm(vm)
    wanted = {"vm": vm, "name": f"t{number}", "host": "h1", "domain": "d1", "seal": True}
    return stand.jobs.submit("template.create", wanted, key=f"template {number}")


def submit_import(stand: SqlStand, number: int, rng: random.Random) -> Job:
    disk = f"disk{number}-{rng.choice(NAMES)}"
    stand.world.add_disk(disk)
    machine = {"vcpus": 1, "memory": 1 << 30, "os_family": "", "firmware": "", "machine": "", "nics": []}
    disks = [{"disk": disk, "target": "vda", "sha256": f"{len(disk):064x}"}]
    wanted = {"name": disk, "disks": disks, "machine": machine, "seal": rng.random() < 0.7}
    return stand.jobs.submit("template.import", wanted)


def submit_vms(stand: SqlStand, template: str, number: int, rng: random.Random) -> Job:
    name = f"web{number}-{{n}}" if rng.random() < 0.7 else f"web{number}-fails-define-{{n}}"
    wanted = {"template": template, "name": name, "host": "h1", "domain": "d1"}
    more = {"thin": rng.random() < 0.5, "seal": rng.random() < 0.5, "payload": "p1", "run_once": True}
    return stand.jobs.submit("vm.create-many", {**wanted, **more, "count": 3, "first": 1})


@pytest.mark.timeout(900)
def test_many_random_kills(stand: SqlStand) -> None:
    rng = random.Random(20261121)
    jobs = [submit_template(stand, 0, "plain")]
    lives = [stand.worker(lease=LEASE, pause=0.05) for _ in range(2)]
    template = stand.ended(jobs[0]).result["template"]
    for kill in range(KILLS):
        jobs.append(submit_template(stand, kill + 1, rng.choice(NAMES)))
        if kill % 4 == 0:
            jobs.append(submit_vms(stand, template, kill, rng))
        if kill % 3 == 0:
            jobs.append(submit_import(stand, kill, rng))
        time.sleep(rng.random() * 0.4)
        victim = rng.randrange(2)
        kill_and_check(stand, lives, victim)
    for job in jobs:
        stand.ended(job)
    assert wrong_now(stand.world) == []
    assert wrong_at_end(stand.world) == []
    for job in jobs:
        check_end(stand, stand.jobs.get(job.id))
    everything = stand.jobs.find(limit=1000)
    assert all(job.status.ended for job in everything)
    assert max(job.epoch for job in everything) > 1
    assert {one.id for one in everything} >= {one.id for one in jobs}


def kill_and_check(stand: SqlStand, lives: list[Life], victim: int) -> None:
    assert lives[victim].alive, stand.server.log
    lives[victim].kill()
    assert wrong_now(stand.world) == []
    lives[victim] = stand.worker(lease=LEASE, pause=0.05)


def check_import(stand: SqlStand, job: Job) -> None:
    disk, seal = job.parameters["disks"][0]["disk"], job.parameters["seal"]
    fails = "fails-mark-shared" in disk or (seal and "fails-seal" in disk)
    assert job.status is (Status.COMPENSATED if fails else Status.DONE), job
    assert len(job.leftovers) == (1 if fails and "stuck" in disk else 0)
    volume = stand.world.all("volume").get(f"{disk}-volume")
    if not fails:
        assert volume is not None
        assert (volume["standing"], volume.get("sealed", False)) == ("shared", seal)


def check_end(stand: SqlStand, job: Job) -> None:
    if job.kind == "template.import":
        check_import(stand, job)
        return
    if job.kind != "template.create":
        assert job.status is Status.DONE
        failed = "fails-define" in job.parameters["name"]
        assert len(job.result["failed" if failed else "made"]) == 3
        return
    fails = "fails" in job.parameters["vm"]
    assert job.status is (Status.COMPENSATED if fails else Status.DONE), job
    condemned = stand.world.all("condemned")
    mine = {name for name, one in condemned.items() if one["job"] == job.id}
    assert len(mine) == len(job.leftovers) == (2 if "stuck" in job.parameters["vm"] else 0)
    if not fails:
        made = stand.world.all("template")[job.result["template"]]
        volumes = stand.world.all("volume")
        for disk in made["disks"]:
            volume = volumes[disk["place"]["volume"]]
            assert (volume["standing"], volume["sealed"]) == ("shared", True)
