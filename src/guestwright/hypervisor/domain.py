"""What is known of a domain: values, the same for every hypervisor."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

from guestwright.base.record import field, record
from guestwright.hypervisor.errors import DriveNotFound

DomainId = NewType("DomainId", str)


class State(StrEnum):
    """What a domain does now."""

    OFF = "off"
    RUNNING = "running"
    PAUSED = "paused"
    SLEEPING = "sleeping"  # by itself: ACPI S3
    STOPPING = "stopping"
    CRASHED = "crashed"
    SUSPENDED = "suspended"  # its memory lies on the host's disk; a start resumes it


class Virtualisation(StrEnum):
    """Who runs the guest's processor."""

    QEMU = "qemu"  # by emulation
    KVM = "kvm"
    XEN = "xen"


class Boundary(StrEnum):
    """How much of a machine the guest sees."""

    HVM = "hvm"
    PV = "pv"
    PVH = "pvh"


class Firmware(StrEnum):
    """What starts the guest."""

    BIOS = "bios"
    EFI = "efi"
    NONE = "none"


class OsFamily(StrEnum):
    """Which drivers a guest can be expected to have."""

    LINUX = "linux"
    WINDOWS = "windows"
    BSD = "bsd"
    UNKNOWN = "unknown"


class Device(StrEnum):
    """Kinds of drives."""

    DISK = "disk"
    CD = "cd"
    FLOPPY = "floppy"


class Bus(StrEnum):
    """What a drive hangs on."""

    IDE = "ide"
    SATA = "sata"
    SCSI = "scsi"
    USB = "usb"
    VIRTIO = "virtio"
    FDC = "fdc"
    XEN = "xen"


@record
class Platform:
    """The machine a guest sees.

    Attributes:
        virtualisation: who runs it.
        boundary: full machine or paravirtual.
        arch: as libvirt names it: "x86_64", "aarch64", "s390x" …
        machine: type as defined, perhaps with version: "q35", "pc-i440fx-7.2", "virt"; "" when unsaid.
        firmware: what starts the guest.
    """

    virtualisation: Virtualisation
    boundary: Boundary = Boundary.HVM
    arch: str = "x86_64"
    machine: str = ""
    firmware: Firmware = Firmware.BIOS


@record
class Drive:
    """A drive of a domain.

    Attributes:
        device: its kind.
        bus: what it hangs on.
        target: its name on the hypervisor's side: "sda", "hdc", "xvdb"; the guest may name it otherwise.
        medium: host path of what is in it; "" when it is empty or not a file.
        format: "raw", "qcow2" or "" when empty.
        read_only: whether the guest may only read.
        serial: what the guest sees as the drive's serial number; "" when none is set.
    """

    device: Device
    bus: Bus
    target: str
    medium: str = ""
    format: str = ""
    read_only: bool = False
    serial: str = ""


@record
class Channel:
    """A line between host and guest.

    Attributes:
        name: of the port, as the guest sees it.
        path: of the unix socket on the host at which the hypervisor listens.
        open: whether a program in the guest has the port open; None when the hypervisor cannot tell.
        alias: by which the hypervisor's events name it; "" while the domain does not run.
    """

    name: str
    path: str
    open: bool | None = None
    alias: str = ""


@record
class Nic:
    """A network card.

    Attributes:
        mac: address, lower case.
        source: network or bridge of the host.
        model: "virtio", "e1000" … or "".
        host_device: the host's end while the domain runs, "vnet3"; else "".
        bridged: whether `source` is a bridge of the host's and no network.
    """

    mac: str
    source: str = ""
    model: str = ""
    host_device: str = ""
    bridged: bool = False


@record
class Memory:
    """Memory of a domain, in bytes.

    Attributes:
        maximum: what it can have at most.
        actual: what it has.
        unused: by the guest's own word, free; None when the guest does not say.
        usable: by the guest's own word, free without swapping.
        resident: what the domain costs the host now.
    """

    maximum: int
    actual: int
    unused: int | None = None
    usable: int | None = None
    resident: int | None = None


@record
class Domain:
    """One domain as it is now, or as its definition says.

    Attributes:
        uuid: lower case, with dashes.
        name: by which people know it.
        run: the hypervisor's number for this run of the domain, None when it does not run. With the uuid it
            tells one run from the next, while the hypervisor's daemon lives.
        state: what it does.
        persistent: whether there is a definition that outlives this run.
        owned: whether Guestwright defined it.
        platform: the machine the guest sees.
        os: family of its system, by the definition.
        memory_maximum: bytes.
        memory_actual: bytes that the balloon leaves the guest.
        vcpus: processors.
        drives: in the definition's order.
        channels: those with a unix socket at which the hypervisor listens.
        nics: network cards.
        controllers: "scsi:virtio-scsi", "usb:qemu-xhci", "virtio-serial:" …: what can be plugged into.
        balloon: whether it has a balloon device.
    """

    uuid: DomainId
    name: str
    state: State
    platform: Platform
    run: int | None = None
    persistent: bool = True
    owned: bool = False
    os: OsFamily = OsFamily.UNKNOWN
    memory_maximum: int = 0
    memory_actual: int = 0
    vcpus: int = 1
    drives: tuple[Drive, ...] = ()
    channels: tuple[Channel, ...] = ()
    nics: tuple[Nic, ...] = ()
    controllers: frozenset[str] = field(default_factory=frozenset)
    balloon: bool = True

    @property
    def active(self) -> bool:
        """Whether there is a run of it."""
        return self.run is not None

    def drive(self, target: str) -> Drive:
        """The drive of that name.

        Raises:
            DriveNotFound: there is none.
        """
        for each in self.drives:
            if each.target == target:
                return each
        present = ", ".join(each.target for each in self.drives) or "none"
        raise DriveNotFound(domain=self.uuid, target=target, present=present)

    def channel(self, name: str) -> Channel | None:
        """The channel of that name, if there is one."""
        return next((each for each in self.channels if each.name == name), None)
