"""Where a drive goes, by machine, system and what is there."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from guestwright.hypervisor.placement import Board, Placement, board_of, place
from guestwright.hypervisor.targets import HOT_PLUGGED

CD, FLOPPY, DISK = Device.CD, Device.FLOPPY, Device.DISK
LINUX, WINDOWS, BSD, UNKNOWN = OsFamily.LINUX, OsFamily.WINDOWS, OsFamily.BSD, OsFamily.UNKNOWN
KVM, XEN = Virtualisation.KVM, Virtualisation.XEN

PC = Platform(virtualisation=KVM, machine="pc-i440fx-7.2")
Q35 = Platform(virtualisation=KVM, machine="pc-q35-7.2")
ARM = Platform(virtualisation=KVM, arch="aarch64", machine="virt-7.2")
S390 = Platform(virtualisation=KVM, arch="s390x", machine="s390-ccw-virtio")
POWER = Platform(virtualisation=KVM, arch="ppc64le", machine="pseries-7.2")
MICRO = Platform(virtualisation=KVM, machine="microvm")
XEN_HVM = Platform(virtualisation=XEN)
XEN_PV = Platform(virtualisation=XEN, boundary=Boundary.PV)
XEN_PVH = Platform(virtualisation=XEN, boundary=Boundary.PVH)

BOTH = frozenset({"scsi:virtio-scsi", "usb:qemu-xhci"})
NONE: frozenset[str] = frozenset()


def domain(
    platform: Platform,
    os: OsFamily = UNKNOWN,
    *,
    running: bool = False,
    controllers: frozenset[str] = BOTH,
    taken: tuple[str, ...] = (),
) -> Domain:
    return Domain(
        uuid=DomainId("00000000-0000-4000-8000-000000000001"),
        name="guest",
        state=State.RUNNING if running else State.OFF,
        run=7 if running else None,
        platform=platform,
        os=os,
        controllers=controllers,
        drives=tuple(Drive(device=CD, bus=Bus.IDE, target=each) for each in taken),
    )


@pytest.mark.parametrize(
    ("wanted", "one", "device", "bus", "says"),
    [
        # CD into a definition
        (CD, domain(PC), CD, Bus.IDE, "first choice for machine i440fx"),
        (CD, domain(Q35), CD, Bus.SATA, "q35 has no ide"),
        (CD, domain(ARM, LINUX), CD, Bus.SCSI, "virt has no ide; virt has no sata"),
        (CD, domain(ARM, WINDOWS), CD, Bus.USB, "family windows may lack a driver for scsi"),
        (CD, domain(S390, LINUX), CD, Bus.SCSI, "s390 has no sata"),
        (CD, domain(POWER, LINUX), CD, Bus.SCSI, "pseries has no ide"),
        (CD, domain(MICRO, LINUX), DISK, Bus.VIRTIO, "labelled disk on virtio instead of a cd"),
        (CD, domain(XEN_HVM), CD, Bus.IDE, "first choice"),
        (CD, domain(XEN_PV), DISK, Bus.XEN, "labelled disk on xen instead of a cd"),
        (CD, domain(XEN_PVH, LINUX), DISK, Bus.XEN, "xen-pv has no ide"),
        (CD, domain(PC, LINUX, taken=("hda", "hdb", "hdc", "hdd")), CD, Bus.SCSI, "ide is full"),
        (CD, domain(PC, UNKNOWN, taken=("hda", "hdb", "hdc", "hdd")), CD, Bus.USB, "ide is full"),
        # CD into a run
        (CD, domain(PC, LINUX, running=True), CD, Bus.SCSI, "ide takes no cd while the domain runs"),
        (CD, domain(PC, BSD, running=True), CD, Bus.SCSI, "while the domain runs"),
        (CD, domain(PC, WINDOWS, running=True), CD, Bus.USB, "family windows"),
        (CD, domain(Q35, UNKNOWN, running=True), CD, Bus.USB, "sata takes no cd while"),
        (
            CD,
            domain(Q35, LINUX, running=True, controllers=frozenset({"usb:ich9-ehci1"})),
            CD,
            Bus.USB,
            "the domain has no virtio-scsi controller",
        ),
        (CD, domain(Q35, LINUX, running=True, controllers=NONE), DISK, Bus.VIRTIO, "no USB controller"),
        (CD, domain(XEN_HVM, LINUX, running=True), DISK, Bus.XEN, "ide takes no cd while"),
        (CD, domain(XEN_PV, UNKNOWN, running=True), DISK, Bus.XEN, "labelled disk"),
        # floppy
        (FLOPPY, domain(PC), FLOPPY, Bus.FDC, "first choice"),
        (FLOPPY, domain(Q35, WINDOWS), FLOPPY, Bus.FDC, "first choice"),
        (FLOPPY, domain(PC, taken=("fda", "fdb")), DISK, Bus.USB, "fdc is full"),
        (FLOPPY, domain(ARM, LINUX), DISK, Bus.VIRTIO, "virt has no fdc"),
        (FLOPPY, domain(PC, LINUX, running=True), DISK, Bus.VIRTIO, "fdc takes no floppy while"),
        (FLOPPY, domain(XEN_HVM, LINUX), DISK, Bus.XEN, "xen-hvm has no fdc"),
        # disk
        (DISK, domain(PC, LINUX), DISK, Bus.VIRTIO, "i440fx has no xen"),
        (DISK, domain(PC, WINDOWS), DISK, Bus.IDE, "family windows may lack a driver for virtio"),
        (DISK, domain(Q35, WINDOWS), DISK, Bus.SATA, "family windows"),
        (DISK, domain(Q35, WINDOWS, running=True), DISK, Bus.USB, "sata takes no disk while"),
        (DISK, domain(XEN_PV, LINUX, running=True), DISK, Bus.XEN, "first choice"),
        (DISK, domain(XEN_HVM, WINDOWS), DISK, Bus.IDE, "family windows may lack a driver for xen"),
    ],
    ids=lambda one: one if isinstance(one, str) else None,
)
def test_place(wanted: Device, one: Domain, device: Device, bus: Bus, says: str) -> None:
    found = place(wanted, one)
    assert (found.device, found.bus) == (device, bus)
    assert says in found.reason


@pytest.mark.parametrize(
    ("wanted", "one", "says"),
    [
        (CD, domain(S390, WINDOWS), "family windows"),
        (CD, domain(MICRO, LINUX, running=True), "virtio takes no disk while"),
        (CD, domain(XEN_HVM, WINDOWS, running=True), "may lack a driver for xen"),
        (DISK, domain(PC, UNKNOWN, running=True, controllers=NONE), "no USB controller"),
        (CD, domain(PC, UNKNOWN, running=True, controllers=frozenset({"usb:none"})), "no USB controller"),
        (CD, domain(Platform(virtualisation=KVM, machine="isapc")), "machine isapc of x86_64 is not known"),
        (CD, domain(Platform(virtualisation=KVM, arch="mips")), "machine (unsaid) of mips is not known"),
    ],
    ids=["s390 windows", "microvm runs", "xen windows runs", "nothing hot", "usb none", "isapc", "mips"],
)
def test_no_place(wanted: Device, one: Domain, says: str) -> None:
    with pytest.raises(NoPlacement) as caught:
        place(wanted, one)
    assert says in caught.value.message


def test_known_drivers_count() -> None:
    one = domain(Q35, WINDOWS, running=True)
    assert place(CD, one, drivers=frozenset({Bus.SCSI})).bus is Bus.SCSI
    assert place(DISK, one, drivers=frozenset({Bus.VIRTIO})).bus is Bus.VIRTIO


def test_the_next_start_of_a_running_domain() -> None:
    assert place(CD, domain(Q35, WINDOWS, running=True), running=False).bus is Bus.SATA


@pytest.mark.parametrize(
    ("arch", "machine", "board"),
    [
        ("x86_64", "", Board.I440FX),
        ("x86_64", "pc", Board.I440FX),
        ("i686", "pc-1.3", Board.I440FX),
        ("x86_64", "q35", Board.Q35),
        ("x86_64", "isapc", None),
        ("aarch64", "virt", Board.VIRT),
        ("aarch64", "raspi3b", None),
        ("riscv64", "virt", Board.VIRT),
        ("ppc64", "", Board.PSERIES),
        ("ppc64", "powernv9", None),
        ("s390x", "", Board.S390),
    ],
)
def test_boards(arch: str, machine: str, board: Board | None) -> None:
    assert board_of(Platform(virtualisation=KVM, arch=arch, machine=machine)) is board


@given(
    st.sampled_from(Device),
    st.sampled_from([PC, Q35, ARM, S390, POWER, MICRO, XEN_HVM, XEN_PV, XEN_PVH]),
    st.sampled_from(OsFamily),
    st.booleans(),
    st.sampled_from([BOTH, NONE, frozenset({"usb:qemu-xhci"})]),
    st.sets(st.sampled_from(["hda", "hdb", "hdc", "hdd", "sda", "sdf", "fda", "fdb", "vda", "xvda"])),
)
def test_a_choice_is_possible_and_explained(
    wanted: Device,
    platform: Platform,
    os: OsFamily,
    running: bool,
    controllers: frozenset[str],
    taken: set[str],
) -> None:
    one = domain(platform, os, running=running, controllers=controllers, taken=tuple(taken))
    with suppress(NoPlacement):
        check(wanted, running, place(wanted, one))


def check(wanted: Device, running: bool, found: Placement) -> None:
    assert found.device in {wanted, DISK}
    assert found.bus in HOT_PLUGGED or not running
    assert (found.device is FLOPPY) == (found.bus is Bus.FDC)
    assert found.device is not CD or found.bus not in {Bus.VIRTIO, Bus.XEN}
    assert str(found.bus) in found.reason
