"""Which drive a medium goes into, and why."""

from __future__ import annotations

import pytest

from guestwright.host.media.drives import choose, for_start
from guestwright.host.media.model import Place, kind_of
from guestwright.hypervisor.domain import (
    Boundary,
    Bus,
    Device,
    Domain,
    DomainId,
    Drive,
    OsFamily,
    Platform,
    State,
    Virtualisation,
)
from guestwright.hypervisor.errors import NoPlacement
from guestwright.media.write import MediaKind

PC = Platform(virtualisation=Virtualisation.KVM, machine="pc")
PV = Platform(virtualisation=Virtualisation.XEN, boundary=Boundary.PV)
USB, SCSI, NONE = frozenset({"usb:x"}), frozenset({"scsi:virtio-scsi"}), frozenset({"usb:none"})


LINUX = OsFamily.LINUX


def domain(
    *drives: Drive,
    platform: Platform = PC,
    os: OsFamily = OsFamily.UNKNOWN,
    controllers: frozenset[str] = USB,
    running: bool = True,
) -> Domain:
    return Domain(
        uuid=DomainId("6a2f41a3-c54c-fce8-32d2-0324e1c32e22"),
        name="one",
        state=State.RUNNING if running else State.OFF,
        run=1 if running else None,
        platform=platform,
        os=os,
        drives=drives,
        controllers=controllers,
    )


def cd(target: str, medium: str = "", bus: Bus = Bus.IDE) -> Drive:
    return Drive(device=Device.CD, bus=bus, target=target, medium=medium, read_only=True)


@pytest.mark.parametrize(
    ("one", "own", "device", "bus", "target", "plug", "says"),
    [
        (domain(cd("hdc")), "", Device.CD, Bus.IDE, "hdc", False, "hdc is an empty cd drive"),
        (domain(cd("hdc"), cd("hdd")), "hdd", Device.CD, Bus.IDE, "hdd", False, "payload's drive"),
        (domain(cd("hdc"), cd("hdd", "/x")), "hdd", Device.CD, Bus.IDE, "hdc", False, "empty cd drive"),
        (domain(cd("hdc", "/x")), "", Device.CD, Bus.USB, "", True, "no cd drive is empty"),
        (domain(cd("hdc", "/x"), os=LINUX, controllers=SCSI), "", Device.CD, Bus.SCSI, "", True, ""),
        (
            domain(cd("hdc", "/x"), os=LINUX, controllers=NONE),
            "",
            Device.DISK,
            Bus.VIRTIO,
            "",
            True,
            "",
        ),
        (domain(platform=PV), "", Device.DISK, Bus.XEN, "", True, "labelled disk"),
    ],
    ids=["empty", "own", "own is full", "usb", "scsi", "virtio disk", "xen pv"],
)
def test_in_a_run(
    one: Domain, own: str, device: Device, bus: Bus, target: str, plug: bool, says: str
) -> None:
    found = choose(one, Device.CD, own=own)
    assert (found.place.device, found.place.bus, found.place.target, found.plug) == (
        device,
        bus,
        target,
        plug,
    )
    assert says in found.place.reason


def test_nowhere_in_a_run() -> None:
    full = domain(cd("hdc", "/x"), controllers=NONE)
    with pytest.raises(NoPlacement, match="no USB controller"):
        choose(full, Device.CD)
    found = choose(full, Device.CD, drivers=frozenset({Bus.VIRTIO}))
    assert (found.place.device, found.place.bus) == (Device.DISK, Bus.VIRTIO)


KEPT = Place(device=Device.CD, bus=Bus.IDE, target="hdd", reason="as before")
DISK = Place(device=Device.DISK, bus=Bus.VIRTIO, target="vdb")


@pytest.mark.parametrize(
    ("one", "kept", "target", "plug"),
    [
        (domain(cd("hdc"), running=False), None, "hda", True),
        (domain(cd("hdc"), running=False), KEPT, "hdd", True),
        (domain(cd("hdc"), cd("hdd"), running=False), KEPT, "hdd", False),
        (domain(cd("hdc"), cd("hdd", "/somebody's"), running=False), KEPT, "hda", True),
        (domain(cd("hdc"), running=False), DISK, "vdb", True),
        (
            domain(Drive(device=Device.DISK, bus=Bus.VIRTIO, target="vdb", medium="/d"), running=False),
            DISK,
            "hda",
            True,
        ),
    ],
    ids=["new", "the same again", "the same drive", "somebody took it", "a disk", "the disk's name is taken"],
)
def test_for_the_next_start(one: Domain, kept: Place | None, target: str, plug: bool) -> None:
    found = for_start(one, Device.CD, kept=kept)
    assert (found.place.target, found.plug) == (target, plug)


@pytest.mark.parametrize(
    ("wanted", "device", "kind"),
    [
        (Device.CD, Device.CD, MediaKind.CDROM),
        (Device.CD, Device.DISK, MediaKind.CDROM),
        (Device.FLOPPY, Device.FLOPPY, MediaKind.FLOPPY),
        (Device.FLOPPY, Device.DISK, MediaKind.DISK),
    ],
)
def test_what_is_written_for_a_place(wanted: Device, device: Device, kind: MediaKind) -> None:
    assert kind_of(wanted, Place(device=device, bus=Bus.IDE, target="hda")) is kind
