"""The engine follows a real host service over a fake hypervisor: the inventory has what happens there."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.record import replace
from guestwright.engine.following.follower import Pace
from guestwright.engine.following.followers import Followers
from guestwright.engine.following.syspreps import Syspreps
from guestwright.engine.following.tally import Tally
from guestwright.engine.hosts.address import address_of
from guestwright.engine.inventory import states, syspreps
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.events import Event
from guestwright.engine.inventory.model import Host, Sysprep, Vm, Volume
from guestwright.engine.inventory.states import HostEvent, HostState, Power, SysprepState, VolumeState
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.hypervisor.domain import Bus, Device, Drive, Platform, Virtualisation
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.spec import DomainSpec
from guestwright.xenstore.core import wire
from tests.support.host_daemon import Site, eventually, machine, served, uuid_of
from tests.support.inventories import some_id
from tests.support.payload_bench import MEMORY

pytestmark = pytest.mark.system

HOST = "00000000-0000-7000-8000-000000000001"
XAPI_GUEST = {
    b"attr/PVAddons/Installed": b"1",
    b"control/feature-sysprep": b"1",
    b"data/os_name": b"Windows",
    b"data/updated": b"1",
}
PACE = Pace(pauses=(0.05, 0.1), unknown=0.3, volumes=1.0)


class Engine:
    """An inventory that follows one host."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = Database(f"sqlite:///{directory}/engine.db", clock=time.time)
        with self.database.write() as tx:
            address = f"unix:{directory}/run/api.sock"
            tx.hosts.add(Host(id=HOST, name="one", address=address))
        self.followers = self.follow()

    def follow(self) -> Followers:
        made = Followers(self.database, lambda host: address_of(host, str(self.directory)), pace=PACE)
        made.start()
        return made

    def host(self) -> Host:
        with self.database.read() as tx:
            return tx.hosts.get(HOST)

    def vm(self, number: int) -> Vm | None:
        with self.database.read() as tx:
            return tx.vms.find(uuid_of(number))

    def sysprep(self, name: str) -> Sysprep:
        with self.database.read() as tx:
            return tx.syspreps.get(name)

    def volume(self, name: str) -> Volume | None:
        with self.database.read() as tx:
            return tx.volumes.find(name)

    def power(self, number: int) -> Power | None:
        vm = self.vm(number)
        return None if vm is None else vm.power

    def events(self, kind: str) -> tuple[Event, ...]:
        with self.database.read() as tx:
            return tx.events.after("", most=1000, kinds=[kind]).events

    def refused(self) -> dict[str, int]:
        found = self.followers.figures().get(HOST, {})
        return {name: count for name, count in found.items() if name.startswith("refused")}

    def close(self) -> None:
        self.followers.stop()
        self.database.close()


def allowed(told: dict[str, Any], operation: str) -> bool:
    return any(one["operation"] == operation and one["allowed"] for one in told["capabilities"])


@pytest.fixture
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gw-follow-", dir=MEMORY))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def engine(directory: Path) -> Iterator[Engine]:
    made = Engine(directory)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def host(directory: Path, hypervisor: FakeHypervisor) -> Iterator[Site]:
    """A service with storage."""
    settings: dict[str, Any] = {"sections": {"volumes": {"main": str(directory / "volumes")}}}
    with served(directory, hypervisor, settings) as site:
        yield site


def hypervisor_with(directory: Path, *numbers: int) -> FakeHypervisor:
    made = FakeHypervisor("fake:///follow")
    for number in numbers:
        made.adopt(machine(number, directory))
    return made


def make_volume(directory: Path, name: str, **more: Any) -> None:
    with HostClient(UnixAddress(path=f"{directory}/run/api.sock")) as client:
        wanted = {"domain": "main", "volume": name, "format": "raw", "size": 1 << 20, **more}
        job = client.submit_job("volume.create", wanted)
        eventually(lambda: client.job(job["id"], wait=10)["status"] == "done")


def test_domains_are_adopted_and_followed(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory, 1, 2)
    hypervisor.start(uuid_of(1))
    with host(directory, hypervisor) as site:
        eventually(lambda: engine.host().state is HostState.UP)
        eventually(lambda: (engine.power(1), engine.power(2)) == (Power.RUNNING, Power.OFF))
        adopted = engine.vm(1)
        assert adopted is not None
        assert (adopted.name, adopted.host_id, adopted.memory) == ("web1", HOST, 1 << 30)
        assert adopted.initialised
        assert (engine.host().cpus, engine.host().memory) == (16, 64 << 30)
        with engine.database.read() as tx:
            assert [one.mac for one in tx.nics.all()] == ["52:54:00:00:00:01", "52:54:00:00:00:02"]
            assert [one.target for one in tx.drives.all()] == ["sda", "sda"]

        hypervisor.start(uuid_of(2))
        hypervisor.stop(uuid_of(1))
        eventually(lambda: (engine.power(1), engine.power(2)) == (Power.OFF, Power.RUNNING))
        hypervisor.adopt(machine(3, directory))
        eventually(lambda: engine.power(3) is Power.OFF)

        with site.guest(2) as guest:
            guest.write(b"data/host_name", b"from-the-guest")
            guest.write(b"data/updated", b"1")

            def told() -> bool:
                with engine.database.read() as tx:
                    return tx.facts.guests([uuid_of(2)])[uuid_of(2)].hostname == "from-the-guest"

            eventually(told)
    assert engine.refused() == {}


def test_a_host_goes_away_and_comes_back(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory, 1)
    hypervisor.start(uuid_of(1))
    with host(directory, hypervisor):
        eventually(lambda: engine.power(1) is Power.RUNNING)
    eventually(lambda: engine.host().state is HostState.UNREACHABLE)
    assert "no host service answers" in engine.host().reason
    eventually(lambda: engine.power(1) is Power.UNKNOWN)
    with host(directory, hypervisor_with(directory, 1)):
        eventually(lambda: engine.host().state is HostState.UP)
        eventually(lambda: engine.power(1) is Power.OFF)
        assert engine.host().reason == ""


def test_what_happened_while_nobody_followed_is_found(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory, 1, 2)
    with host(directory, hypervisor):
        eventually(lambda: engine.power(2) is Power.OFF)
        engine.followers.stop()
        hypervisor.start(uuid_of(1))
        engine.followers = engine.follow()
        eventually(lambda: engine.power(1) is Power.RUNNING)


def test_volumes_are_recorded_with_their_standing(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory)
    with host(directory, hypervisor):
        make_volume(directory, "base")
        make_volume(directory, "doubtful")
        with HostClient(UnixAddress(path=f"{directory}/run/api.sock")) as client:
            for name, change in (("base", {"shared": True}), ("doubtful", {"legal": False})):
                path = f"/v1/storage/main/volumes/{name}"
                client.ask("PATCH", path, {"generation": client.get(path)["generation"], **change})
        make_volume(directory, "third")  # volumes are read again when a job with them has ended

        def standing(name: str) -> str:
            found = engine.volume(name)
            return "" if found is None else f"{found.state} {found.kind} {found.sealing}"

        eventually(lambda: standing("base") == "legal shared none")
        eventually(lambda: standing("doubtful") == "illegal leaf none")
        with engine.database.read() as tx:
            storage = tx.storage.all()
        assert [(one.name, one.state) for one in storage] == [("main", HostState.UP)]
        assert storage[0].capacity >= storage[0].free > 0

        with HostClient(UnixAddress(path=f"{directory}/run/api.sock")) as client:
            generation = client.get("/v1/storage/main/volumes/doubtful")["generation"]
            wanted = {"domain": "main", "volume": "doubtful", "generation": generation}
            client.submit_job("volume.delete", wanted)
        eventually(lambda: engine.volume("doubtful") is None)
    assert engine.refused() == {}


def test_a_disk_of_an_adopted_domain_is_the_volume_that_it_lies_in(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory)
    with host(directory, hypervisor):
        make_volume(directory, "root")
        eventually(lambda: engine.volume("root") is not None)
        medium = str(directory / "volumes" / "root.raw")
        disks = (
            Drive(device=Device.DISK, bus=Bus.VIRTIO, target="vda", medium=medium, format="raw"),
            Drive(device=Device.DISK, bus=Bus.VIRTIO, target="vdb", medium="/else/root.raw", format="raw"),
        )
        hypervisor.adopt(replace(machine(1, directory), drives=disks))
        eventually(lambda: engine.vm(1) is not None)
        with engine.database.read() as tx:
            found = {one.target: one.disk_id for one in tx.drives.all()}
            assert found["vdb"] is None
            assert found["vda"] is not None
            assert tx.disks.get(found["vda"]).volume_id == "root"


def test_what_a_job_works_on_is_left_to_it(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory)
    with host(directory, hypervisor):
        make_volume(directory, "mine")
        eventually(lambda: engine.volume("mine") is not None)
        with engine.database.write() as tx:
            tx.volumes.change("mine", None, job="some-job")
        with HostClient(UnixAddress(path=f"{directory}/run/api.sock")) as client:
            path = "/v1/storage/main/volumes/mine"
            client.ask("PATCH", path, {"generation": client.get(path)["generation"], "legal": False})
        make_volume(directory, "other")  # volumes are read again when a job with them has ended
        eventually(lambda: engine.volume("other") is not None)
        found = engine.volume("mine")
        assert found is not None
        assert found.state is VolumeState.LEGAL


def test_domains_of_one_name_and_one_address_are_told_apart(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory, 1)
    clone = machine(1, directory)
    hypervisor.adopt(replace(clone, uuid=uuid_of(2), name="web1-clone"))
    with engine.database.write() as tx:
        tx.vms.add(Vm(id="other", name="web1", vcpus=1, memory=1))
    with host(directory, hypervisor):
        eventually(lambda: engine.vm(1) is not None and engine.vm(2) is not None)
        first = engine.vm(1)
        assert first is not None
        assert first.name == "web1@one"
        with engine.database.read() as tx:
            macs = sorted(str(one.mac) for one in tx.nics.all())
        assert macs == ["52:54:00:00:00:01", "None"]
        assert engine.refused() == {"refused-card": 1}


def test_a_domain_that_is_gone_has_no_host(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory)
    platform = Platform(virtualisation=Virtualisation.KVM)
    hypervisor.define(DomainSpec(uuid=uuid_of(1), name="ours", platform=platform, memory_maximum=1 << 28))
    with host(directory, hypervisor):
        eventually(lambda: engine.vm(1) is not None)
        hypervisor.undefine(uuid_of(1))

        def gone() -> bool:
            vm = engine.vm(1)
            return vm is not None and vm.host_id is None and vm.power is Power.UNKNOWN

        eventually(gone)


def test_hosts_in_maintenance_are_left_alone(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory, 1)
    with host(directory, hypervisor):
        eventually(lambda: engine.host().state is HostState.UP)
        with engine.database.write() as tx:
            tx.hosts.move(HOST, states.HOST, HostEvent.MAINTENANCE)
        eventually(lambda: not engine.followers.figures())
        with engine.database.write() as tx:
            tx.hosts.move(HOST, states.HOST, HostEvent.ACTIVATED)
        eventually(lambda: engine.host().state is HostState.UP)


def test_an_identity_of_two_machines_is_an_alarm_while_it_is_so(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory, 1, 2)

    def claimed() -> list[tuple[str, str, list[str]]]:
        with engine.database.read() as tx:
            return [(one.kind, one.value, one.machines.split()) for one in tx.alarms.all()]

    for number in (1, 2):
        hypervisor.start(uuid_of(number))
    with host(directory, hypervisor) as site:
        eventually(lambda: engine.vm(1) is not None and engine.vm(2) is not None)
        with site.guest(1) as first, site.guest(2) as second:
            for guest in (first, second):
                guest.write(b"data/guestwright/agent/version", b"0.1.0")
                guest.write(b"data/guestwright/identity/machine-id", b"ab12")
                guest.write(b"data/updated", b"1")
            eventually(lambda: claimed() == [("machine-id", "ab12", [uuid_of(1), uuid_of(2)])])
            engine.followers.stop()
            engine.followers = engine.follow()  # what is kept is not told a second time
            eventually(lambda: engine.followers.figures().get(HOST, {}).get("whole-readings", 0) > 0)
        hypervisor.stop(uuid_of(2))
        eventually(lambda: claimed() == [])
    assert len(engine.events("duplicate-found")) == 1
    assert len(engine.events("duplicate-over")) == 1


def test_a_sysprep_is_followed_though_who_asked_for_it_was_killed(engine: Engine, directory: Path) -> None:
    engine.followers.stop()
    hypervisor = hypervisor_with(directory, 1)
    hypervisor.start(uuid_of(1))
    with host(directory, hypervisor) as site, site.guest(1) as guest:
        for key, value in XAPI_GUEST.items():
            guest.write(key, value)
        with engine.database.write() as tx:
            vm = tx.vms.add(Vm(id=uuid_of(1), name="web1", vcpus=1, memory=1, host_id=HOST))
            asked, never = (syspreps.begin(tx, some_id(), vm, "ann") for _ in range(2))
        with HostClient(UnixAddress(path=f"{directory}/run/api.sock")) as client:
            path = f"/v1/domains/{uuid_of(1)}"
            eventually(lambda: allowed(client.get(f"{path}/capabilities"), "sysprep"))
            wish = {"answers": "CANARY", "deadline": 600, "id": asked.job}
            assert client.post(f"{path}/sysprep", wish)["id"] == asked.job
            tally = Tally("one")
            Syspreps(engine.database, HOST, tally, young=-1.0).look(client)
        assert engine.sysprep(never.id).state is SysprepState.FAILED
        assert engine.sysprep(never.id).code == "inventory-sysprep-unknown"
        engine.followers = engine.follow()
        eventually(lambda: engine.sysprep(asked.id).state is SysprepState.RUNNING)
        eventually(lambda: guest.read(b"control/sysprep/action") == b"sysprep")
        guest.write(b"control/sysprep/action", b"running")
        with HostClient(UnixAddress(path=f"{directory}/run/api.sock")) as client:
            eventually(lambda: client.job(asked.job)["text"] == "the guest has begun")
            guest.ask(wire.RM, b"control/sysprep/action\0")  # that is how it says that it has finished
            eventually(lambda: client.job(asked.job)["text"] == "the guest has finished")
        eventually(lambda: engine.host().state is HostState.UP)
        hypervisor.stop(uuid_of(1))
        eventually(lambda: engine.sysprep(asked.id).ended > 0)
        assert engine.sysprep(asked.id).state is SysprepState.DOWN
    assert engine.refused() == {}


def test_stopping_breaks_off_what_waits(engine: Engine, directory: Path) -> None:
    hypervisor = hypervisor_with(directory, 1)
    with host(directory, hypervisor):
        eventually(lambda: engine.vm(1) is not None)
        engine.followers.stop()  # would wait for the next sign of the stream, were it not broken off
        engine.followers.stop()
        assert engine.followers.figures() == {}
        assert not [one for one in threading.enumerate() if one.name.startswith("follows")]
