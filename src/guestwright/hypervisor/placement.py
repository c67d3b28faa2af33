"""Which device and bus a medium or disk goes on: from machine type, guest system and what is there.

Theory of operation: for each kind of device there is an order of preference, best first. Each way is asked
for what stands against it (the machine has no such bus, it takes nothing while running, the system has no
driver, it is full); the first without an obstacle is taken, and the obstacles of those before it are the
reason. So a new machine type is a row in a table, and every choice explains itself.

Facts: i440fx has IDE, q35 AHCI and no IDE, aarch64 and riscv64 "virt" neither of them nor a floppy
controller, s390x no USB (QEMU manual, "System emulator targets"); libvirt hot-plugs drives on SCSI, USB,
virtio and Xen only ("disk bus 'ide' cannot be hotplugged", `qemuDomainAttachDeviceDiskLiveInternal`); CD
drives on virtio do not exist; Xen's emulated CDs are IDE and on the device model's command line
(xl-disk-configuration(5)), and a full machine on Xen starts without a driver for xvd.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from guestwright.base.record import record
from guestwright.hypervisor.domain import Boundary, Bus, Device, Domain, OsFamily, Platform, Virtualisation
from guestwright.hypervisor.errors import NoPlacement
from guestwright.hypervisor.targets import HOT_PLUGGED, free_target


class Board(StrEnum):
    """Families of machines that take the same devices."""

    I440FX = "i440fx"
    Q35 = "q35"
    MICROVM = "microvm"
    VIRT = "virt"
    PSERIES = "pseries"
    S390 = "s390"
    XEN_HVM = "xen-hvm"
    XEN_PV = "xen-pv"


_BUSES: Final[dict[Board, frozenset[Bus]]] = {
    Board.I440FX: frozenset({Bus.IDE, Bus.SCSI, Bus.USB, Bus.VIRTIO, Bus.FDC}),
    Board.Q35: frozenset({Bus.SATA, Bus.SCSI, Bus.USB, Bus.VIRTIO, Bus.FDC}),
    Board.MICROVM: frozenset({Bus.VIRTIO}),
    Board.VIRT: frozenset({Bus.SCSI, Bus.USB, Bus.VIRTIO}),
    Board.PSERIES: frozenset({Bus.SCSI, Bus.USB, Bus.VIRTIO}),
    Board.S390: frozenset({Bus.SCSI, Bus.VIRTIO}),
    Board.XEN_HVM: frozenset({Bus.IDE, Bus.XEN}),
    Board.XEN_PV: frozenset({Bus.XEN}),
}
# The emulated buses first: every system has their drivers.
_WAYS: Final[dict[Device, tuple[tuple[Device, Bus], ...]]] = {
    Device.CD: (
        *((Device.CD, bus) for bus in (Bus.IDE, Bus.SATA, Bus.SCSI, Bus.USB)),
        *((Device.DISK, bus) for bus in (Bus.XEN, Bus.VIRTIO)),
    ),
    Device.FLOPPY: (
        (Device.FLOPPY, Bus.FDC),
        *((Device.DISK, bus) for bus in (Bus.XEN, Bus.VIRTIO, Bus.USB, Bus.SCSI, Bus.SATA, Bus.IDE)),
    ),
    Device.DISK: tuple(
        (Device.DISK, bus) for bus in (Bus.XEN, Bus.VIRTIO, Bus.SATA, Bus.IDE, Bus.SCSI, Bus.USB)
    ),
}
_PARAVIRTUAL: Final = frozenset({Bus.SCSI, Bus.VIRTIO})
_IN_THE_BOX: Final = frozenset({OsFamily.LINUX, OsFamily.BSD})  # systems that come with virtio drivers
_SCSI_CONTROLLERS: Final = frozenset({"scsi:virtio-scsi", "scsi:ibmvscsi"})

_NO_USB: Final = "usb:none"  # how a definition says that the machine shall have no USB


@record
class Placement:
    """A choice.

    Attributes:
        device: what to attach: the kind wanted, or a labelled disk in its place.
        bus: on which bus.
        reason: why, for the job's log.
    """

    device: Device
    bus: Bus
    reason: str


@record
class _Situation:
    """What stands against a way depends on this."""

    board: Board
    os: OsFamily
    running: bool
    controllers: frozenset[str]
    taken: tuple[str, ...]
    drivers: frozenset[Bus]


def board_of(platform: Platform) -> Board | None:
    """The family of a machine; None when it is none of those known here."""
    if platform.virtualisation is Virtualisation.XEN:
        return Board.XEN_HVM if platform.boundary is Boundary.HVM else Board.XEN_PV
    machine = platform.machine
    if platform.arch in {"x86_64", "i686"}:
        if machine.startswith(("pc-q35", "q35")):
            return Board.Q35
        if machine.startswith("microvm"):
            return Board.MICROVM
        return Board.I440FX if machine.startswith("pc") or not machine else None
    if platform.arch in {"aarch64", "riscv64", "armv7l"}:
        return Board.VIRT if machine.startswith("virt") else None
    if platform.arch in {"ppc64", "ppc64le"}:
        return Board.PSERIES if machine.startswith("pseries") or not machine else None
    return Board.S390 if platform.arch == "s390x" else None


def place(
    wanted: Device, domain: Domain, *, running: bool | None = None, drivers: frozenset[Bus] = frozenset()
) -> Placement:
    """Choose device and bus for something new.

    Args:
        wanted: kind of drive that would be best.
        domain: which has certain drives and controllers already.
        running: whether it goes into a run; None looks at the domain.
        drivers: buses whose drivers the guest is known to have (from its agent).

    Raises:
        NoPlacement: there is no way; the reason names each obstacle.
    """
    board = board_of(domain.platform)
    if board is None:
        what = f"machine {domain.platform.machine or '(unsaid)'} of {domain.platform.arch} is not known"
        raise NoPlacement(device=wanted, reason=what)
    situation = _Situation(
        board=board,
        os=domain.os,
        running=domain.active if running is None else running,
        controllers=domain.controllers,
        taken=tuple(each.target for each in domain.drives),
        drivers=drivers,
    )
    obstacles: list[str] = []
    for device, bus in _WAYS[wanted]:
        obstacle = _obstacle(device, bus, situation)
        if obstacle is None:
            chosen = (
                f"{device} on {bus}" if device is wanted else f"labelled disk on {bus} instead of a {wanted}"
            )
            why = "; ".join(obstacles) or f"the first choice for machine {board}"
            return Placement(device=device, bus=bus, reason=f"{chosen}: {why}")
        obstacles.append(obstacle)
    raise NoPlacement(device=wanted, reason="; ".join(obstacles))


def _obstacle(device: Device, bus: Bus, now: _Situation) -> str | None:
    """What stands against a device on a bus; None when nothing does."""
    if bus not in _BUSES[now.board]:
        return f"{now.board} has no {bus}"
    if now.running and (bus not in HOT_PLUGGED or now.board is Board.MICROVM):
        return f"{bus} takes no {device} while the domain runs"
    paravirtual = bus in _PARAVIRTUAL or (bus is Bus.XEN and now.board is Board.XEN_HVM)
    if paravirtual and now.os not in _IN_THE_BOX and bus not in now.drivers:
        return f"a guest of family {now.os} may lack a driver for {bus}"
    if bus is Bus.SCSI and now.running and not now.controllers & _SCSI_CONTROLLERS:
        return "the domain has no virtio-scsi controller"
    usb = any(each.startswith("usb:") for each in now.controllers)
    if bus is Bus.USB and (_NO_USB in now.controllers or (now.running and not usb)):
        return "the domain has no USB controller"
    if free_target(bus, now.taken) is None:
        return f"{bus} is full"
    return None
