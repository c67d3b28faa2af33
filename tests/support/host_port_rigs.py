"""What a host port is tried on: the simulated host, and services of hosts over the fake hypervisor."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from guestwright.engine.hosts.port import ClientHosts
from guestwright.engine.templates.host_port import HostPort, Place
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.errors import DomainNotFound
from tests.support import real_hosts
from tests.support.engine_world import SimulatedHost, World, put
from tests.support.host_daemon import served
from tests.support.images import small_original

PAYLOAD = "00000000-0000-7000-8000-0000000000f1"


class Rig(Protocol):
    """A port, and what it works on.

    Attributes:
        hosts: the port.
    """

    @property
    def hosts(self) -> HostPort:
        """The port."""

    def place(self, volume: str) -> Place:
        """Where a volume of that id is."""

    def source(self, volume: str) -> Place:
        """A legal leaf with a guest's disk, which was not made by the port."""

    def standing(self, volume: str) -> str:
        """How a volume stands; "" where there is none."""

    def sha256(self, volume: str) -> str:
        """Of a volume's file."""

    def machines(self) -> dict[str, str]:
        """Names of the machines that are defined, by id."""

    def payloads(self, vm: str) -> list[str]:
        """What a machine is given: "permanent", "run-once"."""


class SimulatedRig:
    """The simulated host."""

    def __init__(self, directory: Path) -> None:
        self._world = World(str(directory / "world.db"))
        self.hosts: HostPort = SimulatedHost(self._world)

    def place(self, volume: str) -> Place:
        return Place(host="h1", domain="d1", volume=volume)

    def source(self, volume: str) -> Place:
        with self._world.change() as cursor:
            body = {"standing": "legal", "owner": volume, "sha256": "5" * 64}
            put(cursor, "volume", volume, body)
        return self.place(volume)

    def standing(self, volume: str) -> str:
        found = self._world.all("volume").get(volume)
        return "" if found is None else str(found["standing"])

    def sha256(self, volume: str) -> str:
        return str(self._world.all("volume")[volume]["sha256"])

    def machines(self) -> dict[str, str]:
        return {vm: body["name"] for vm, body in self._world.all("domain").items()}

    def payloads(self, vm: str) -> list[str]:
        found = self._world.all("given").get(vm)
        return [] if found is None else ["run-once" if found["run_once"] else "permanent"]


class RealRig:
    """A service in this process, asked on its unix socket."""

    def __init__(self, place: Path, hypervisor: FakeHypervisor, hosts: ClientHosts) -> None:
        self._place = place
        self._hypervisor = hypervisor
        self.hosts: HostPort = hosts

    def place(self, volume: str) -> Place:
        return Place(host=real_hosts.HOST, domain=real_hosts.STORAGE, volume=volume)

    def source(self, volume: str) -> Place:
        real_hosts.put_volume(self._place, volume, Path(small_original().path))
        return self.place(volume)

    def standing(self, volume: str) -> str:
        return real_hosts.standing(real_hosts.volumes(self._place).get(volume))

    def sha256(self, volume: str) -> str:
        (found,) = (self._place / "volumes").glob(f"{volume}*.raw")
        return hashlib.sha256(found.read_bytes()).hexdigest()

    def machines(self) -> dict[str, str]:
        return {one.uuid: one.name for one in self._hypervisor.list()}

    def payloads(self, vm: str) -> list[str]:
        with real_hosts.client(self._place) as client:
            try:
                self._hypervisor.get(DomainId(vm))
            except DomainNotFound:
                return []
            found = client.ask("GET", f"/v1/domains/{vm}/payloads")["payloads"]
        return [one["persistence"] for one in found]


@contextmanager
def simulated(directory: Path) -> Iterator[Rig]:
    """The one."""
    yield SimulatedRig(directory)


@contextmanager
def real(directory: Path) -> Iterator[Rig]:
    """The other."""
    del directory  # its path may be too long for sockets
    with real_hosts.short_directory() as place:
        hypervisor = FakeHypervisor(f"fake:///{place.name}")
        contents = {PAYLOAD: real_hosts.files_payload(PAYLOAD)}
        with (
            served(place, hypervisor, real_hosts.settings(place)),
            real_hosts.hosts_at({real_hosts.HOST: place}, contents) as hosts,
        ):
            yield RealRig(place, hypervisor, hosts)


RIGS: dict[str, Callable[[Path], AbstractContextManager[Rig]]] = {"simulated": simulated, "client": real}


def description(rig: Rig, volume: str, name: str = "web1") -> dict[str, Any]:
    """Of a machine with one disk."""
    place = rig.place(volume)
    return {
        "name": name,
        "vcpus": 2,
        "memory": 1 << 30,
        "os_family": "debian",
        "firmware": "",
        "machine": "q35",
        "nics": [{"network": "default", "bridge": "", "model": "virtio"}],
        "disks": [{"domain": place.domain, "volume": place.volume, "target": "vda"}],
    }
