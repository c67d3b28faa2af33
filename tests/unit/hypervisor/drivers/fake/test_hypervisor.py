"""What the fake has beyond the contract: guests that do what a test sets, and neighbours."""

from __future__ import annotations

import queue
import socket
import tempfile
from collections.abc import Iterator

import pytest

from guestwright.base.record import replace
from guestwright.hypervisor.domain import Boundary, Bus, Device, DomainId, Platform, State, Virtualisation
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.drivers.fake.world import World
from guestwright.hypervisor.errors import (
    DetachUnanswered,
    DomainNotFound,
    DomainNotOwned,
    HypervisorCannot,
    HypervisorUnreachable,
    MigrationRefused,
    NoBalloon,
    TrayLocked,
)
from guestwright.hypervisor.events import Event, EventKind, Reason
from guestwright.hypervisor.spec import ChannelSpec, DomainSpec, DriveSpec, Migration, When

DOMAIN = DomainId("00000000-0000-4000-8000-000000000001")
MIB = 1 << 20


@pytest.fixture
def directory() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="gw-") as path:  # short: sockets' paths are limited
        for name in ("a.iso", "b.iso"):
            with open(f"{path}/{name}", "wb") as file:
                file.truncate(1 << 16)
        yield path


@pytest.fixture
def fake() -> Iterator[FakeHypervisor]:
    one = FakeHypervisor()
    yield one
    one.close()


def spec(virtualisation: Virtualisation = Virtualisation.QEMU, *channels: ChannelSpec) -> DomainSpec:
    return DomainSpec(
        uuid=DOMAIN,
        name="guest",
        platform=Platform(virtualisation=virtualisation, boundary=Boundary.HVM),
        memory_maximum=256 * MIB,
        drives=(DriveSpec(device=Device.CD, bus=Bus.IDE),),
        channels=channels,
    )


def test_a_guest_keeps_its_drive_locked(fake: FakeHypervisor, directory: str) -> None:
    fake.define(spec())
    fake.start(DOMAIN)
    fake.insert(DOMAIN, "hda", f"{directory}/a.iso")
    fake.guest(DOMAIN).locked.add("hda")
    with pytest.raises(TrayLocked):
        fake.eject(DOMAIN, "hda")
    with pytest.raises(TrayLocked):
        fake.change(DOMAIN, "hda", f"{directory}/b.iso", when=When.BOTH)
    assert fake.defined(DOMAIN).drive("hda").medium == ""
    assert fake.eject(DOMAIN, "hda", force=True)
    fake.insert(DOMAIN, "hda", f"{directory}/b.iso")


def test_a_guest_that_does_not_listen(fake: FakeHypervisor, directory: str) -> None:
    fake.define(spec())
    fake.start(DOMAIN)
    guest = fake.guest(DOMAIN)
    guest.obeys = guest.balloons = guest.releases = False
    fake.shut_down(DOMAIN)
    fake.reboot(DOMAIN)
    fake.set_memory_target(DOMAIN, 128 * MIB)
    made = fake.attach_drive(DOMAIN, DriveSpec(device=Device.CD, bus=Bus.USB, medium=f"{directory}/a.iso"))
    with pytest.raises(DetachUnanswered):
        fake.detach_drive(DOMAIN, made.target, seconds=0.1)
    assert fake.get(DOMAIN).state is State.RUNNING
    assert fake.memory(DOMAIN).actual == 256 * MIB


def test_a_guest_that_balloons_down_to_its_floor(fake: FakeHypervisor) -> None:
    fake.define(spec())
    fake.start(DOMAIN)
    fake.guest(DOMAIN).floor = 100 * MIB
    for asked, had in ((128, 128), (64, 100), (256, 256)):
        fake.set_memory_target(DOMAIN, asked * MIB)
        assert fake.memory(DOMAIN).actual == had * MIB


def test_a_line_between_host_and_guest(fake: FakeHypervisor, directory: str) -> None:
    channel = ChannelSpec(name="test.0", path=f"{directory}/c")
    fake.define(spec(Virtualisation.QEMU, channel))
    fake.start(DOMAIN)
    with socket.socket(socket.AF_UNIX) as host:
        host.connect(channel.path)
        inside = fake.guest(DOMAIN).open_channel("test.0")
        assert fake.get(DOMAIN).channels[0].open
        host.sendall(b"to")
        assert inside.recv(2) == b"to"
        fake.stop(DOMAIN)
        assert host.recv(1) == b""
    assert not fake.get(DOMAIN).channels[0].open


def test_a_crash_is_an_event(fake: FakeHypervisor) -> None:
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    fake.define(spec())
    fake.start(DOMAIN)
    place = fake.subscribe(heard.put)
    fake.end(DOMAIN, Reason.CRASHED)
    event = heard.get(timeout=10)
    assert (event.kind, event.reason, event.domain) == (EventKind.STOPPED, Reason.CRASHED, DOMAIN)
    place.close()


def test_an_adopted_domain_is_not_ours(fake: FakeHypervisor) -> None:
    maker = FakeHypervisor("fake:///maker")
    fake.adopt(replace(maker.define(spec()), balloon=False))
    maker.close()
    fake.start(DOMAIN)
    with pytest.raises(NoBalloon):
        fake.set_memory_target(DOMAIN, 128 * MIB)
    fake.stop(DOMAIN)
    with pytest.raises(DomainNotOwned):
        fake.undefine(DOMAIN)


def test_xen_has_no_channels(fake: FakeHypervisor, directory: str) -> None:
    channel = ChannelSpec(name="test.0", path=f"{directory}/c")
    with pytest.raises(HypervisorCannot, match="xenstore"):
        fake.define(spec(Virtualisation.XEN, channel))
    fake.define(spec(Virtualisation.XEN))
    with pytest.raises(HypervisorCannot, match="xenstore"):
        fake.attach_channel(DOMAIN, channel, when=When.NEXT_START)


def test_a_domain_moves_to_a_neighbour_with_its_lines(directory: str) -> None:
    neighbours: dict[str, World] = {}
    here, there = FakeHypervisor("fake:///here", neighbours), FakeHypervisor("fake:///there", neighbours)
    channel = ChannelSpec(name="test.0", path=f"{directory}/c")
    here.define(spec(Virtualisation.QEMU, channel))
    here.start(DOMAIN)
    here.insert(DOMAIN, "hda", f"{directory}/a.iso")
    with pytest.raises(MigrationRefused):
        here.migrate(DOMAIN, Migration(destination="fake:///here"))
    here.migrate(DOMAIN, Migration(destination="fake:///there"))
    with pytest.raises(DomainNotFound):
        here.get(DOMAIN)
    moved = there.get(DOMAIN)
    assert (moved.state, moved.drive("hda").medium) == (State.RUNNING, f"{directory}/a.iso")
    assert there.defined(DOMAIN).drive("hda").medium == ""
    with socket.socket(socket.AF_UNIX) as host:
        host.connect(channel.path)
        there.guest(DOMAIN).open_channel("test.0").sendall(b"x")
        assert host.recv(1) == b"x"
    here.close()
    there.close()


def test_a_closed_one_answers_nobody() -> None:
    fake = FakeHypervisor()
    fake.define(spec())
    fake.close()
    fake.close()
    with pytest.raises(HypervisorUnreachable):
        fake.list()
    with pytest.raises(HypervisorUnreachable):
        fake.get(DOMAIN)
