"""Templates and machines as jobs over the service of a host that is a process, and is killed in the middle.

The disks are real images, and sealing really seals. After each kill the storage is looked at as it lies
there; then the service starts again, and the job comes to its end as if nothing had happened, or is undone.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guestwright.engine.hosts.addresses import HostAddresses
from guestwright.engine.hosts.port import ClientHosts
from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import DiskFormat
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Disk, Host, Nic, PayloadObject, StorageDomain, Volume
from guestwright.engine.inventory.states import VmState, VolumeEvent
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.memory_book import MemoryBook
from guestwright.engine.jobs.memory_journal import MemoryJournal
from guestwright.engine.jobs.model import Job, Status
from guestwright.engine.jobs.worker import Settings, Worker
from guestwright.engine.templates.copies import Services
from guestwright.engine.templates.create import template_create
from guestwright.engine.templates.database_inventory import DatabaseInventory
from guestwright.engine.vms.create import vm_create
from guestwright.host.service.own_store import CHANNEL
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Metadata, State
from tests.support import real_hosts
from tests.support.disks import complaint
from tests.support.images import small_original
from tests.support.inventories import drive, some_id, vm
from tests.support.real_hosts import HOST, STORAGE
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-img", "qemu-nbd", "mke2fs", "e2fsck", "debugfs")]

PATIENCE = 240.0
_LOOKS = 12
PAYLOAD = "00000000-0000-7000-8000-0000000000f1"


class Engine:
    """Jobs in memory over an inventory in SQLite, and a machine that is off, whose disk is on the host."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.database = Database(f"sqlite:///{place}/engine.db", clock=time.time)
        contents = {PAYLOAD: real_hosts.files_payload(PAYLOAD)}
        self.hosts = ClientHosts(HostAddresses(self.database, str(place)), contents.__getitem__)
        services = Services(hosts=self.hosts, inventory=DatabaseInventory(self.database))
        kinds = [template_create(services), vm_create(services)]
        book = MemoryBook()
        self.jobs = Jobs(book, kinds)
        self.source = self._machine()
        self.worker = Worker(book, MemoryJournal(), kinds, settings=Settings(poll=0.05))
        self.worker.start()

    def close(self) -> None:
        self.worker.close()
        self.hosts.close()
        self.database.close()

    def _machine(self) -> str:
        image = Path(small_original().path)
        with self.database.write() as tx:
            tx.hosts.add(Host(id=HOST, name="host1", address=f"unix:{self.place}/run/api.sock"))
            storage = tx.storage.add(StorageDomain(id=some_id(), host_id=HOST, name=STORAGE))
            tx.payloads.add(PayloadObject(id=PAYLOAD, name="answers"))
            made = vm("source", state=VmState.READY, power="off", os_family="debian", machine="q35")
            kept = tx.vms.add(made).id
            tx.nics.add(Nic(id=some_id(), vm_id=kept, mac="52:54:00:00:00:01", network="lan"))
            disk_of = Volume(
                id=some_id(), domain_id=storage.id, format=DiskFormat.RAW, size=image.stat().st_size
            )
            volume = tx.volumes.add(disk_of)
            tx.volumes.move(volume.id, states.VOLUME, VolumeEvent.FILLED)
            disk = tx.disks.add(Disk(id=some_id(), name="source-0", volume_id=volume.id))
            tx.drives.add(drive(disk, 0, vm_id=kept))
        self.volume = volume.id
        return kept

    def template(self) -> Job:
        wanted = {"vm": self.source, "name": "debian", "host": HOST, "domain": STORAGE, "seal": True}
        return self.jobs.submit("template.create", wanted)

    def machine(self, template: str, **more: Any) -> Job:
        wanted = {
            "template": template,
            "name": "web1",
            "host": HOST,
            "domain": STORAGE,
            "thin": True,
            "seal": True,
            "payload": PAYLOAD,
            "run_once": True,
            **more,
        }
        return self.jobs.submit("vm.create", wanted)

    def ended(self, job: Job) -> Job:
        for _ in range(_LOOKS):
            found = self.jobs.wait(job.id, PATIENCE / _LOOKS)
            if found.status.ended:
                return found
        raise AssertionError(found)

    def made(self) -> dict[str, Metadata]:
        """Volumes besides the source's; none may be used that was not sealed."""
        found = real_hosts.volumes(self.place)
        del found[self.volume]
        for one in found.values():
            assert one.state is not State.LEGAL or one.sealed, f"{one.id} is legal, and not sealed"
        return found


@pytest.fixture
def engine() -> Iterator[Engine]:
    with real_hosts.short_directory() as place:
        Domain(str(place / "volumes"), make=True).close()
        one = Engine(place)
        real_hosts.put_volume(place, one.volume, Path(small_original().path))
        yield one
        one.close()


@contextmanager
def killed_at(engine: Engine, failpoint: str) -> Iterator[None]:
    """The service until it is killed, and once more after a look at what lies there."""
    with real_hosts.process(engine.place, failpoint) as process:
        yield
        assert process.wait(PATIENCE) == -signal.SIGKILL
    engine.made()


def listed(image: Path, directory: str) -> bytes:
    argv = ["debugfs", "-R", f"ls {directory}", str(image)]
    return subprocess.run(argv, check=True, capture_output=True, timeout=PATIENCE).stdout


def judged_sealed(engine: Engine, volume: Metadata, tmp_path: Path) -> None:
    """Somebody else's word that an image is whole, and without what sealing removes."""
    flat = tmp_path / f"{volume.id}.raw"
    path = engine.place / "volumes" / f"{volume.id}.{volume.format}"
    subprocess.run(["qemu-img", "convert", "-O", "raw", path, flat], check=True, timeout=PATIENCE)
    assert complaint(flat) == ""
    assert b"ssh_host_ed25519_key" in listed(Path(small_original().path), "/etc/ssh")
    assert b"ssh_host_ed25519_key" not in listed(flat, "/etc/ssh")


def test_a_template_and_a_machine_from_it(engine: Engine, tmp_path: Path) -> None:
    with real_hosts.process(engine.place):
        job = engine.ended(engine.template())
        assert job.status is Status.DONE, job
        assert job.result["sealed"]["totals"]["files_removed"] > 0
        (base,) = engine.made().values()
        assert (real_hosts.standing(base), base.format) == ("shared", "raw")
        judged_sealed(engine, base, tmp_path)
        made = engine.ended(engine.machine(job.result["template"]))
        assert made.status is Status.DONE, made
        (layer,) = (one for one in engine.made().values() if one.id != base.id)
        assert (real_hosts.standing(layer), layer.format, layer.parent) == ("legal", "qcow2", base.id)
        judged_sealed(engine, layer, tmp_path)
        with real_hosts.client(engine.place) as client:
            (known,) = client.domains()
            domain = known["domain"]
            (given,) = client.ask("GET", f"/v1/domains/{domain['uuid']}/payloads")["payloads"]
            assert client.jobs() == []  # what was done was collected
    assert (domain["uuid"], domain["name"], domain["os"]) == (made.result["vm"], "web1", "linux")
    (disk,) = (one for one in domain["drives"] if one["device"] == "disk")
    assert disk["medium"].endswith(f"/{layer.id}.qcow2")
    assert [one["name"] for one in domain["channels"]] == [CHANNEL]
    assert (given["persistence"], given["label"]) == ("run-once", "ANSWERS")
    for file in (engine.place / "lib" / "jobs.db", engine.place / "service.log"):
        assert real_hosts.SECRET not in file.read_bytes()


@pytest.mark.parametrize("failpoint", ["volume-copied", "volume-legal", "volume-seal-ran"])
def test_a_template_is_made_although_the_host_is_killed(engine: Engine, failpoint: str) -> None:
    with killed_at(engine, failpoint):
        job = engine.template()
    with real_hosts.process(engine.place):
        found = engine.ended(job)
    assert found.status is Status.DONE, found
    (base,) = engine.made().values()
    assert real_hosts.standing(base) == "shared"


@pytest.mark.parametrize("failpoint", ["volume-copied", "volume-seal-marked"])
def test_a_template_is_given_up_while_the_host_is_away(engine: Engine, failpoint: str) -> None:
    with killed_at(engine, failpoint):
        job = engine.template()
    engine.jobs.cancel(job.id)
    with real_hosts.process(engine.place):
        found = engine.ended(job)
    assert (found.status, found.leftovers) == (Status.COMPENSATED, ()), found
    assert engine.made() == {}
    with engine.database.read() as tx:
        assert tx.template_versions.all() == ()
        assert tx.vms.get(engine.source).state is VmState.READY


def test_a_machine_is_made_although_the_host_is_killed(engine: Engine) -> None:
    with real_hosts.process(engine.place):
        template = engine.ended(engine.template()).result["template"]
    with killed_at(engine, "volume-seal-one-illegal"):
        job = engine.machine(template)
    with real_hosts.process(engine.place):
        found = engine.ended(job)
        assert found.status is Status.DONE, found
        with real_hosts.client(engine.place) as client:
            assert [one["domain"]["name"] for one in client.domains()] == ["web1"]
    assert sorted(map(real_hosts.standing, engine.made().values())) == ["legal", "shared"]


def test_a_machine_that_cannot_be_defined_leaves_nothing(engine: Engine) -> None:
    with real_hosts.process(engine.place):
        template = engine.ended(engine.template()).result["template"]
        first = engine.ended(engine.machine(template, seal=False))
        assert first.status is Status.DONE, first
        with engine.database.write() as tx:  # another of the same name that the inventory does not know
            tx.vms.change(first.result["vm"], None, name="renamed")
        second = engine.ended(engine.machine(template))
    assert second.status is Status.COMPENSATED
    assert second.error is not None
    assert second.error["code"] == "domain-exists"
    assert second.leftovers == ()
    assert len(real_hosts.volumes(engine.place)) == 3  # of the source, the template and the first machine
