"""The host service over the fake hypervisor, in this process, and guests that speak the store's protocol."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from guestwright.base.record import replace
from guestwright.host.process.daemon import Daemon
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.own_store import CHANNEL
from guestwright.host.service.service import Service
from guestwright.hypervisor.domain import (
    Bus,
    Channel,
    Device,
    Domain,
    DomainId,
    Drive,
    Nic,
    Platform,
    State,
    Virtualisation,
)
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from tests.support.xenstore_server import Wire

PATIENCE = 60.0  # seconds


def uuid_of(number: int) -> DomainId:
    """A domain's."""
    return DomainId(f"00000000-0000-4000-8000-{number:012x}")


def machine(number: int, directory: Path, *, port: bool = True) -> Domain:
    """A domain that somebody else made."""
    path = str(directory / f"port-{number}.sock")
    return Domain(
        uuid=uuid_of(number),
        name=f"web{number}",
        state=State.OFF,
        platform=Platform(virtualisation=Virtualisation.KVM, machine="q35"),
        memory_maximum=1 << 30,
        memory_actual=1 << 29,
        drives=(Drive(device=Device.CD, bus=Bus.SATA, target="sda"),),
        channels=(Channel(name=CHANNEL, path=path),) if port else (),
        nics=(Nic(mac=f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}"),),
        controllers=frozenset({"virtio-serial:"}),
    )


class Site:
    """A service and its hypervisor.

    Attributes:
        daemon: with the journal.
        service: started.
        hypervisor: the fake.
        directory: of the test.
    """

    def __init__(self, daemon: Daemon, hypervisor: FakeHypervisor, directory: Path) -> None:
        self.daemon = daemon
        self.hypervisor = hypervisor
        self.directory = directory
        self.token = daemon.journal.token
        self.service: Service = daemon.start()

    def guest(self, number: int) -> Wire:
        """The agent's end of a domain's line, once the service has connected."""
        while True:
            sock = self.hypervisor.guest(uuid_of(number)).open_channel(CHANNEL, PATIENCE)
            sock.setblocking(False)
            try:
                over = not sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                over = False
            if not over:
                return Wire(sock)
            sock.close()  # of a service that has ended since

    def domid(self, number: int) -> int:
        """The number of a domain in the store."""
        found = self.service.domain(uuid_of(number)).domid
        assert found is not None
        return found

    def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        """All events so far: kind, subject, data."""
        batch = self.daemon.journal.read(self.token, 100_000)
        return [(one.kind, one.subject, msgspec.json.decode(one.body)) for one in batch.events]

    def wait_event(
        self, kind: str, accept: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """The first event of a kind that one waits for."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [data for one, _, data in self.events() if one == kind and accept(data)]
            return bool(found)

        eventually(there)
        return found[0]


@contextmanager
def site(
    directory: Path, domains: int = 1, settings: Mapping[str, Any] | None = None, *, port: bool = True
) -> Iterator[Site]:
    """A service with domains that run, until the end of the block."""
    hypervisor = FakeHypervisor(f"fake:///{directory.name}")
    for number in range(1, domains + 1):
        hypervisor.adopt(machine(number, directory, port=port))
        hypervisor.start(uuid_of(number))
    with served(directory, hypervisor, settings) as one:
        yield one


@contextmanager
def served(
    directory: Path, hypervisor: FakeHypervisor, settings: Mapping[str, Any] | None = None
) -> Iterator[Site]:
    """A service for a hypervisor; its files are in the directory."""
    configuration = replace(
        Configuration(
            uri="fake:///",
            state=str(directory / "lib"),
            runtime=str(directory / "run"),
            channel_directory=str(directory / "ports"),
        ),
        **(settings or {}),
    )
    daemon = Daemon(configuration, lambda _: hypervisor)
    try:
        yield Site(daemon, hypervisor, directory)
    finally:
        daemon.stop()
    assert daemon.failure is None


def eventually(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)
