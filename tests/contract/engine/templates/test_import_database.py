"""The job that imports templates, on the engine's own inventory; the host is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.engine.disks.remove import disk_remove
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Disk, StorageDomain
from guestwright.engine.inventory.states import VmState, VolumeEvent
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.memory_book import MemoryBook
from guestwright.engine.jobs.memory_journal import MemoryJournal
from guestwright.engine.jobs.model import Job, Status
from guestwright.engine.jobs.worker import Settings, Worker
from guestwright.engine.templates.copies import Services
from guestwright.engine.templates.database_inventory import DatabaseInventory
from guestwright.engine.templates.errors import DiskNotFree
from guestwright.engine.templates.import_job import template_import
from guestwright.engine.templates.inventory_port import MachineOf
from tests.support.engine_world import SimulatedHost, World, put
from tests.support.inventories import drive, some_id, storage, vm, volume

PATIENCE = 120.0
MACHINE = {"vcpus": 2, "memory": 1 << 30, "os_family": "linux", "firmware": "efi", "machine": "q35"}
NICS = [{"network": "", "bridge": "br0", "model": "e1000"}]


class Engine:
    """Jobs in memory over a database with uploaded disks, and a host that is simulated."""

    def __init__(self, database: Database, world: World) -> None:
        self.database = database
        self.world = world
        self.inventory = DatabaseInventory(database)
        services = Services(hosts=SimulatedHost(world), inventory=self.inventory)
        kinds = [template_import(services), disk_remove(services)]
        book = MemoryBook()
        self.jobs = Jobs(book, kinds)
        self.worker = Worker(book, MemoryJournal(), kinds, settings=Settings(poll=0.02))
        with database.write() as tx:
            self.storage = storage(tx)
        self.worker.start()

    def disk(self, owner: str = "mine", at: StorageDomain | None = None) -> str:
        """One that was uploaded."""
        with self.database.write() as tx:
            kept = tx.volumes.add(volume(at or self.storage))
            tx.volumes.move(kept.id, states.VOLUME, VolumeEvent.FILLED)
            disk = tx.disks.add(Disk(id=some_id(), name="uploaded", volume_id=kept.id))
        with self.world.change() as cursor:
            put(cursor, "volume", kept.id, {"standing": "legal", "owner": owner, "sha256": "a" * 64})
        return disk.id

    def imported(self, *disks: str, seal: bool = True, name: str = "golden") -> Job:
        listed = [
            {"disk": one, "target": f"sd{'abc'[number]}", "sha256": "a" * 64}
            for number, one in enumerate(disks)
        ]
        wanted: dict[str, Any] = {"name": name, "disks": listed, "seal": seal}
        wanted["machine"] = {**MACHINE, "nics": NICS}
        return self.jobs.wait(self.jobs.submit("template.import", wanted).id, PATIENCE)


@pytest.fixture
def engine(database: Database, tmp_path: Path) -> Iterator[Engine]:
    one = Engine(database, World(str(tmp_path / "world.db")))
    yield one
    one.worker.close()


@pytest.mark.parametrize("seal", [True, False], ids=["sealed", "as-it-is"])
def test_a_template(engine: Engine, seal: bool) -> None:
    disks = [engine.disk(), engine.disk()]
    job = engine.imported(*disks, seal=seal)
    assert job.status is Status.DONE, job
    with engine.database.read() as tx:
        version = tx.template_versions.get(job.result["template"])
        assert (version.state, version.number, version.sealed, version.job) == ("ready", 1, seal, "")
        assert (version.vcpus, version.firmware, version.machine, version.source) == (2, "efi", "q35", "")
        assert [(one.disk_id, one.target, one.bus) for one in tx.drives.all()] == [
            (disks[0], "sda", "scsi"),
            (disks[1], "sdb", "scsi"),
        ]
        (nic,) = tx.nics.all()
        assert (nic.network, nic.bridge, nic.model, nic.mac) == ("", "br0", "e1000", None)
        standings = {(one.state, one.kind, one.sealing, one.job) for one in tx.volumes.all()}
        assert standings == {("legal", "shared", "done" if seal else "none", "")}
    assert engine.imported(engine.disk(), seal=False).status is Status.DONE
    with engine.database.read() as tx:
        assert sorted(one.number for one in tx.template_versions.all()) == [1, 2]


@pytest.mark.parametrize("fails", ["checksum", "mark-illegal", "seal", "mark-shared"])
def test_a_failure_leaves_nothing(engine: Engine, fails: str) -> None:
    job = engine.imported(engine.disk(f"x-fails-{fails}"), engine.disk())
    assert (job.status, job.leftovers) == (Status.COMPENSATED, ())
    with engine.database.read() as tx:
        assert not tx.template_versions.all()
        assert not tx.templates.all()
        assert not tx.disks.all()
        assert not tx.volumes.all()


def test_disks_that_cannot_be_removed_stay_illegal_and_listed(engine: Engine) -> None:
    job = engine.imported(engine.disk("x-fails-seal-stuck"))
    assert (job.status, len(job.leftovers)) == (Status.COMPENSATED, 1)
    with engine.database.read() as tx:
        assert [(one.state, one.job) for one in tx.volumes.all()] == [("illegal", job.id)]
        assert not tx.disks.all()
        assert not tx.templates.all()


def shared(engine: Engine, disk: str) -> None:
    with engine.database.write() as tx:
        tx.volumes.move(str(tx.disks.get(disk).volume_id), states.VOLUME, VolumeEvent.SHARED)


def driven(engine: Engine, disk: str) -> None:
    with engine.database.write() as tx:
        owner = tx.vms.add(vm("web", state=VmState.READY, power="off")).id
        tx.drives.add(drive(tx.disks.get(disk), vm_id=owner))


def held(engine: Engine, disk: str) -> None:
    engine.inventory.hold_disks([disk], "another job")


def emptied(engine: Engine, disk: str) -> None:
    with engine.database.write() as tx:
        tx.disks.change(disk, None, volume_id=None)


@pytest.mark.parametrize("spoil", [shared, driven, held, emptied])
def test_disks_that_are_not_free_stay_as_they_are(
    engine: Engine, spoil: Callable[[Engine, str], None]
) -> None:
    first, second = engine.disk(), engine.disk()
    spoil(engine, second)
    with engine.database.read() as tx:
        before = (tx.disks.all(), {(one.id, one.state, one.kind, one.job) for one in tx.volumes.all()})
    job = engine.imported(first, second)
    assert job.error is not None
    assert (job.status, job.error["code"]) == (Status.COMPENSATED, "template-disk-not-free")
    with engine.database.read() as tx:
        after = (tx.disks.all(), {(one.id, one.state, one.kind, one.job) for one in tx.volumes.all()})
    assert after == before


def test_disks_lie_together(engine: Engine) -> None:
    with engine.database.write() as tx:
        other = storage(tx)
    disks = [engine.disk(), engine.disk(at=other)]
    with pytest.raises(DiskNotFree):
        engine.inventory.hold_disks(disks, "job")
    with pytest.raises(DiskNotFree):
        engine.inventory.hold_disks([some_id()], "job")
    with engine.database.read() as tx:
        assert {one.job for one in tx.volumes.all()} == {""}


def test_every_call_twice_is_as_once(engine: Engine) -> None:
    inventory, job, template = engine.inventory, "job", some_id()
    disk = engine.disk()
    for _ in range(2):
        (found,) = inventory.hold_disks([disk], job)
    source = MachineOf(id="", disks=(), description={**MACHINE, "nics": NICS})
    named = type(found)(disk=disk, place=found.place, size=found.size, format=found.format, target="vda")
    for _ in range(2):
        inventory.adopt_template(template, "t", job, source, [named], seal=False)
    for _ in range(2):
        inventory.release_disks([disk], job, forget=True)  # a template has it: it stays
    with engine.database.read() as tx:
        assert len(tx.template_versions.all()) == len(tx.drives.all()) == len(tx.disks.all()) == 1
    for _ in range(2):
        inventory.remove_template(template, job)
    with engine.database.read() as tx:
        assert not tx.disks.all()


@pytest.mark.parametrize("broken", [False, True])
def test_a_disk_goes_with_its_volume(engine: Engine, broken: bool) -> None:
    disk, other = engine.disk(), engine.disk()
    if broken:
        with engine.database.write() as tx:
            volume_id = str(tx.disks.get(disk).volume_id)
            tx.volumes.move(volume_id, states.VOLUME, VolumeEvent.CONDEMNED, reason="a job failed")
    job = engine.jobs.wait(engine.jobs.submit("disk.remove", {"disk": disk}).id, PATIENCE)
    assert (job.status, job.result) == (Status.DONE, {"disk": disk, "left": []})
    with engine.database.read() as tx:
        assert [one.id for one in tx.disks.all()] == [other]
        assert len(tx.volumes.all()) == 1


@pytest.mark.parametrize("spoil", [driven, held, shared])
def test_a_disk_that_somebody_has_is_not_removed(
    engine: Engine, spoil: Callable[[Engine, str], None]
) -> None:
    disk = engine.disk()
    spoil(engine, disk)
    job = engine.jobs.wait(engine.jobs.submit("disk.remove", {"disk": disk}).id, PATIENCE)
    assert job.error is not None
    assert (job.status, job.error["code"]) == (Status.COMPENSATED, "template-disk-not-free")
    with engine.database.read() as tx:
        assert [one.state for one in tx.volumes.all()] == ["legal"]
