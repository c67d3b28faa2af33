"""The jobs of templates and machines on the engine's own inventory; hosts are simulated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Disk, Nic, PayloadObject
from guestwright.engine.inventory.states import PowerEvent, VmState, VolumeEvent
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.memory_book import MemoryBook
from guestwright.engine.jobs.memory_journal import MemoryJournal
from guestwright.engine.jobs.model import Job, Kind, Status
from guestwright.engine.jobs.worker import Settings, Worker
from guestwright.engine.templates.copies import Services
from guestwright.engine.templates.create import template_create
from guestwright.engine.templates.database_inventory import DatabaseInventory
from guestwright.engine.templates.host_port import Place, Standing
from guestwright.engine.templates.rows import payload_of
from guestwright.engine.vms.create import vm_create
from guestwright.engine.vms.create_many import vm_create_many
from tests.support.engine_world import SimulatedHost, World, put
from tests.support.inventories import drive, some_id, storage, vm, volume

PATIENCE = 120.0


class Engine:
    """Jobs in memory over a database, a host that is simulated, and a machine that is off."""

    def __init__(self, database: Database, world: World, owner: str) -> None:
        self.database = database
        self.world = world
        self.inventory = DatabaseInventory(database)
        services = Services(hosts=SimulatedHost(world), inventory=self.inventory)
        self.book, journal = MemoryBook(), MemoryJournal()
        self.kinds: list[Kind] = [
            template_create(services),
            vm_create(services),
            vm_create_many(lambda: self.jobs),
        ]
        self.jobs = Jobs(self.book, self.kinds)
        self.worker = Worker(self.book, journal, self.kinds, settings=Settings(poll=0.02))
        with database.write() as tx:
            self.storage = storage(tx)
            self.vm = tx.vms.add(vm("source", state=VmState.READY, power="off", os_family="debian")).id
            tx.nics.add(Nic(id=some_id(), vm_id=self.vm, mac="52:54:00:00:00:01", network="lan"))
            for number in range(2):
                kept = tx.volumes.add(volume(self.storage))
                tx.volumes.move(kept.id, states.VOLUME, VolumeEvent.FILLED)
                disk = tx.disks.add(Disk(id=some_id(), name=f"source-{number}", volume_id=kept.id))
                tx.drives.add(drive(disk, number, vm_id=self.vm))
                with world.change() as cursor:
                    put(cursor, "volume", kept.id, {"standing": "legal", "owner": owner})
        self.worker.start()

    def ended(self, kind: str, **wanted: Any) -> Job:
        there = {"host": self.storage.host_id, "domain": self.storage.name}
        return self.jobs.wait(self.jobs.submit(kind, {**there, **wanted}).id, PATIENCE)

    def template(self, *, seal: bool = True, name: str = "debian") -> Job:
        return self.ended("template.create", vm=self.vm, name=name, seal=seal)

    def standings(self) -> set[tuple[str, str, str]]:
        with self.database.read() as tx:
            return {(one.state, one.kind, one.sealing) for one in tx.volumes.all()}


@pytest.fixture
def owner() -> str:
    """Of the source's volumes: what the simulated host goes by."""
    return "source"


@pytest.fixture
def engine(database: Database, tmp_path: Path, owner: str) -> Iterator[Engine]:
    one = Engine(database, World(str(tmp_path / "world.db")), owner)
    yield one
    one.worker.close()


@pytest.mark.parametrize("seal", [True, False], ids=["sealed", "as-it-is"])
def test_a_template(engine: Engine, seal: bool) -> None:
    job = engine.template(seal=seal)
    assert job.status is Status.DONE, job
    with engine.database.read() as tx:
        version = tx.template_versions.get(job.result["template"])
        assert (version.state, version.number, version.sealed, version.job) == ("ready", 1, seal, "")
        assert (version.vcpus, version.os_family, version.source) == (2, "debian", engine.vm)
        assert tx.vms.get(engine.vm).state == "ready"
        (nic,) = [one for one in tx.nics.all() if one.template_version_id]
        assert (nic.network, nic.mac) == ("lan", None)
    made = ("legal", "shared", "done" if seal else "none")
    assert engine.standings() == {("legal", "leaf", "none"), made}
    assert engine.template(seal=seal).status is Status.DONE
    with engine.database.read() as tx:
        assert sorted(one.number for one in tx.template_versions.all()) == [1, 2]


@pytest.mark.parametrize("run_once", [True, False])
def test_a_template_with_a_payload(engine: Engine, run_once: bool) -> None:
    with engine.database.write() as tx:
        payload = tx.payloads.add(PayloadObject(id=some_id(), name="web")).id
    wanted = {"vm": engine.vm, "seal": True, "payload": payload, "run_once": run_once}
    job = engine.ended("template.create", name="debian", **wanted)
    with engine.database.read() as tx:
        made = tx.template_versions.get(job.result["template"])
        assert payload_of(tx, made) == (payload, run_once)
    gone = engine.ended("template.create", name="other", **{**wanted, "payload": some_id()})
    assert (gone.status, gone.error["code"] if gone.error else "") == (
        Status.COMPENSATED,
        "inventory-bad-reference",
    )
    with engine.database.read() as tx:
        assert tx.templates.named("other") is None
        assert tx.payload_uses.count() == 1


@pytest.mark.parametrize(
    "owner", [f"x-fails-{what}" for what in ("copy", "mark-illegal", "seal", "mark-shared")]
)
def test_a_failure_leaves_nothing(engine: Engine) -> None:
    job = engine.template()
    assert (job.status, job.leftovers) == (Status.COMPENSATED, ())
    with engine.database.read() as tx:
        assert not tx.template_versions.all()
        assert not tx.templates.all()
        assert len(tx.disks.all()) == len(tx.volumes.all()) == 2
        assert tx.vms.get(engine.vm).state == "ready"


@pytest.mark.parametrize("owner", ["x-fails-seal-stuck", "x-fails-mark-shared-stuck"])
def test_disks_that_cannot_be_removed_stay_illegal_and_listed(engine: Engine) -> None:
    job = engine.template()
    assert (job.status, len(job.leftovers)) == (Status.COMPENSATED, 2)
    with engine.database.read() as tx:
        left = [one for one in tx.volumes.all() if one.state == "illegal"]
        assert [one.job for one in left] == [job.id] * 2
        assert all(one.reason for one in left)
        assert not tx.template_versions.all()
        assert len(tx.disks.all()) == 2


@pytest.mark.parametrize("thin", [True, False], ids=["thin", "whole"])
def test_machines(engine: Engine, thin: bool) -> None:
    template = engine.template().result["template"]
    with engine.database.write() as tx:
        payload = tx.payloads.add(PayloadObject(id=some_id(), name="seed")).id
    more = {"thin": thin, "seal": True, "payload": payload, "run_once": True, "count": 2, "first": 1}
    job = engine.ended("vm.create-many", template=template, name="web-{n}", **more)
    assert (job.status, job.result["failed"]) == (Status.DONE, {})
    with engine.database.read() as tx:
        for name, made in job.result["made"].items():
            kept = tx.vms.get(made)
            assert (kept.name, kept.state, kept.template_version_id, kept.job) == (
                name,
                "ready",
                template,
                "",
            )
        uses = {(one.vm_id, one.persistence) for one in tx.payload_uses.all()}
        assert uses == {(one, "run-once") for one in job.result["made"].values()}
    assert ("legal", "leaf", "done") in engine.standings()
    assert (
        engine.ended("vm.create", template=template, name="web-1", **_plain(more)).status
        is Status.COMPENSATED
    )
    with engine.database.read() as tx:
        assert len(tx.vms.all()) == 3


def _plain(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if name not in {"count", "first"}}


def code(job: Job) -> object:
    return (job.error or {}).get("code")


def test_a_machine_that_runs_or_is_held_is_not_had(engine: Engine) -> None:
    with engine.database.write() as tx:
        tx.vms.move(engine.vm, states.POWER, PowerEvent.SEEN_RUNNING)
    job = engine.template()
    assert (job.status, code(job)) == (Status.COMPENSATED, "template-machine-held")
    with engine.database.write() as tx:
        tx.vms.move(engine.vm, states.POWER, PowerEvent.SEEN_OFF)
    engine.inventory.hold_vm(engine.vm, "another job")
    assert code(engine.template()) == "template-machine-held"
    with engine.database.read() as tx:
        assert tx.vms.get(engine.vm).job == "another job"


def test_every_call_twice_is_as_once(engine: Engine) -> None:
    inventory, job = engine.inventory, "job"
    for _ in range(2):
        source = inventory.hold_vm(engine.vm, job)
    place = Place(host=engine.storage.host_id, domain="fast", volume=some_id())
    disks = [type(source.disks[0])(disk=some_id(), place=place, size=1 << 30, format="raw", target="vda")]
    template = some_id()
    for _ in range(2):
        inventory.add_template(template, "t", job, source, disks, seal=True)
    for standing, sealed in ((Standing.ILLEGAL, False), (Standing.SHARED, True)):
        for _ in range(2):
            inventory.record(place, standing, job, sealed=sealed)
    for _ in range(2):
        inventory.release_vm(engine.vm, job)
        inventory.unlock_template(template, job)
    assert inventory.template(template).disks[0].place == place
    for call in (inventory.condemn, inventory.condemn):
        call(place, job, "over")
    for _ in range(2):
        inventory.forget(place, job)
    for _ in range(2):
        inventory.remove_template(template, job)
    with engine.database.read() as tx:
        assert not tx.templates.all()
        assert len(tx.disks.all()) == 2
