"""Hypervisors for tests: the fake, and a real libvirt with emulated QEMU guests."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from guestwright.hypervisor.domain import Bus, Device, DomainId, Platform, Virtualisation
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.hypervisor.events import Event, EventKind
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import ChannelSpec, DomainSpec, DriveSpec, Migration
from tests.support.libvirtd import private_libvirtd

MIB = 1 << 20
_DEADLINE = 30.0

# A boot sector for a PC's ACPI: it enables the power button's event, sleeps from one tick of the timer to the
# next, and powers the machine off when the button was pressed. SeaBIOS puts the registers at 0x600 (its
# PORT_ACPI_PM_BASE); their bits: ACPI 6.4, 4.8.3.
_BUTTON = bytes.fromhex(
    "fb"  # sti
    "ba0206 b80001 ef"  # PM1_EN (0x602) = PWRBTN_EN (0x100)
    "f4 ba0006 ed a90001 74f6"  # hlt, until PM1_STS (0x600) has PWRBTN_STS (0x100)
    "ba0406 b80020 ef"  # PM1_CNT (0x604) = SLP_EN (0x2000), sleep type 0: soft off
    "ebfe"
)
BOOT_SECTOR = _BUTTON.ljust(510, b"\0") + b"\x55\xaa"


# It fills 448 KiB with another value in each round, for ever: more than goes over a line of 1 MiB a second in
# the 300 ms for which QEMU stops a guest at the end of its migration, so that this never ends.
_BUSY: Final = bytes.fromhex(
    "fc b80010"  # ax = 0x1000
    "8ec0 31ff b90080 89d8 f3ab"  # es = ax, all 64 KiB of it = bx
    "8cc0 050010 3d0080 72eb"  # ax = es + 0x1000, again unless it is 0x8000
    "43 ebe4"  # bx += 1, from the beginning
)
BUSY_SECTOR = _BUSY.ljust(510, b"\0") + b"\x55\xaa"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another hypervisor, that domains can be moved to.

    Attributes:
        hypervisor: it.
        how: of a move that goes slowly.
    """

    hypervisor: Hypervisor
    how: Migration


@dataclass(slots=True)
class Bench:
    """A hypervisor, a place for files that its guests may use, and what it has told.

    Attributes:
        hypervisor: under test.
        directory: for images and sockets.
        real: whether there are guests that really run.
        told: its events so far.
    """

    hypervisor: Hypervisor
    directory: str
    real: bool
    told: list[Event] = field(default_factory=list)
    made: list[DomainId] = field(default_factory=list)

    def image(self, name: str, content: bytes = b"", size: int = 64 << 10) -> str:
        """An image file of `size` bytes that begins with `content`."""
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content)
            file.truncate(size)
        os.chmod(path, 0o666)
        return path

    def spec(self, **changes: Any) -> DomainSpec:
        """A small PC that powers off by its button, with an empty CD drive."""
        number = uuid.uuid4()
        disk = self.image(f"{number.hex[:8]}.img", BOOT_SECTOR, MIB)
        values: dict[str, Any] = {
            "uuid": DomainId(str(number)),
            "name": f"guest-{number.hex[:8]}",
            "platform": Platform(virtualisation=Virtualisation.QEMU, machine="pc"),
            "memory_maximum": 32 * MIB,
            "drives": (
                DriveSpec(device=Device.DISK, bus=Bus.IDE, medium=disk),
                DriveSpec(device=Device.CD, bus=Bus.IDE, target="hdc"),
            ),
        }
        return DomainSpec(**{**values, **changes})

    def define(self, **changes: Any) -> DomainId:
        """Define such a PC."""
        spec = self.spec(**changes)
        self.made.append(spec.uuid)
        return self.hypervisor.define(spec).uuid

    def start(self, **changes: Any) -> DomainId:
        """Define and start such a PC."""
        domain = self.define(**changes)
        self.hypervisor.start(domain)
        return domain

    def start_busy(self, **changes: Any) -> DomainId:
        """Start one that changes its memory faster than a slow move takes it."""
        number = uuid.uuid4()
        disk = self.image(f"{number.hex[:8]}.img", BUSY_SECTOR, MIB)
        drives = (
            DriveSpec(device=Device.DISK, bus=Bus.IDE, medium=disk),
            DriveSpec(device=Device.CD, bus=Bus.IDE, target="hdc"),
        )
        domain = self.start(**{"drives": drives, **changes})
        if isinstance(self.hypervisor, FakeHypervisor):
            self.hypervisor.guest(domain).busy = True
        return domain

    @contextmanager
    def neighbour(self) -> Iterator[Neighbour]:
        """Another hypervisor of the kind."""
        if isinstance(self.hypervisor, FakeHypervisor):
            other = FakeHypervisor("fake:///neighbour", self.hypervisor.neighbours)
            try:
                yield Neighbour(other, Migration(destination="fake:///neighbour"))
            finally:
                other.close()
            return
        with private_libvirtd() as daemon:
            there = LibvirtHypervisor(daemon.uri)
            data = f"unix://{self.directory}/run/{uuid.uuid4().hex[:8]}"
            how = Migration(destination=daemon.uri, data=data, unsafe=True, bandwidth=1)
            try:
                yield Neighbour(there, how)
            finally:
                there.close()

    def channel(self, name: str = "org.guestwright.agent.0") -> ChannelSpec:
        """A channel with a path of its own."""
        return ChannelSpec(name=name, path=os.path.join(self.directory, f"{uuid.uuid4().hex[:8]}.sock"))

    def wait(self, kind: EventKind, domain: DomainId | None) -> Event:
        """The first event of a kind, now or soon."""
        end = time.monotonic() + _DEADLINE
        while True:
            for each in list(self.told):
                if each.kind is kind and each.domain == domain:
                    return each
            assert time.monotonic() < end, f"no {kind} of {domain} in {self.told}"
            time.sleep(0.02)

    def clean(self) -> None:
        """Remove what this test made."""
        for each in self.made:
            if any(one.uuid == each for one in self.hypervisor.list()):
                self.hypervisor.stop(each)
                if self.hypervisor.get(each).owned:
                    self.hypervisor.undefine(each)
        self.made.clear()
        self.told.clear()


@contextmanager
def fake_bench() -> Iterator[Bench]:
    """A bench with the fake."""
    with tempfile.TemporaryDirectory(prefix="gw-fake-") as directory:
        hypervisor = FakeHypervisor()
        try:
            yield Bench(hypervisor, directory, real=False)
        finally:
            hypervisor.close()


@contextmanager
def libvirt_bench() -> Iterator[Bench]:
    """A bench with a libvirt daemon of its own."""
    with private_libvirtd() as daemon:
        hypervisor = LibvirtHypervisor(daemon.uri)
        try:
            yield Bench(hypervisor, daemon.directory, real=True)
        finally:
            hypervisor.close()
