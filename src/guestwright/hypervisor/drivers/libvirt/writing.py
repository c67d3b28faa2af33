"""libvirt's XML for what we ask for (https://libvirt.org/formatdomain.html)."""

from __future__ import annotations

from typing import Final

from guestwright.hypervisor.assignment import assign, no_channels
from guestwright.hypervisor.domain import (
    Boundary,
    Bus,
    Device,
    Drive,
    Firmware,
    OsFamily,
    Platform,
    Virtualisation,
)
from guestwright.hypervisor.drivers.libvirt.document import Element, make, serialise
from guestwright.hypervisor.drivers.libvirt.reading import OSINFO, OWNER
from guestwright.hypervisor.spec import BootFrom, ChannelSpec, DomainSpec, NicSpec

_DEVICES: Final = {Device.DISK: "disk", Device.CD: "cdrom", Device.FLOPPY: "floppy"}
_BOOT: Final = {
    BootFrom.DISK: "hd",
    BootFrom.CD: "cdrom",
    BootFrom.FLOPPY: "fd",
    BootFrom.NETWORK: "network",
}
_XEN_OS: Final = {
    Boundary.HVM: ("hvm", "xenfv"),
    Boundary.PV: ("linux", "xenpv"),
    Boundary.PVH: ("xenpvh", "xenpvh"),
}
_OS_IDS: Final = {
    OsFamily.LINUX: "http://libosinfo.org/linux/2022",
    OsFamily.WINDOWS: "http://microsoft.com/win/10",
    OsFamily.BSD: "http://freebsd.org/freebsd/13.0",
}
_STATS_PERIOD: Final = "5"  # seconds between the guest's own words about its memory


def write_domain(spec: DomainSpec) -> str:
    """A definition.

    Raises:
        TargetTaken: a bus has too few places.
        HypervisorCannot: channels on Xen.
    """
    xen = spec.platform.virtualisation is Virtualisation.XEN
    if xen and spec.channels:
        raise no_channels(spec.uuid)
    memory = spec.memory_maximum >> 10
    root = make(
        "domain",
        make("name", text=spec.name),
        make("uuid", text=spec.uuid),
        _metadata(spec.os),
        make("memory", text=str(memory), unit="KiB"),
        make("currentMemory", text=str(spec.memory_target >> 10 or memory), unit="KiB"),
        make("vcpu", text=str(spec.vcpus)),
        *_operating_system(spec),
        _features(spec.platform),
        make("clock", offset="utc"),
        _devices(spec, xen=xen),
        type=spec.platform.virtualisation.value,
    )
    return serialise(root)


def drive_element(drive: Drive, *, xen: bool) -> Element:
    """A drive, to define or to attach."""
    return make(
        "disk",
        make("driver", name="" if xen else "qemu", type=drive.format) if drive.medium else None,
        make("source", file=drive.medium) if drive.medium else None,
        make("target", dev=drive.target, bus=drive.bus.value),
        make("readonly") if drive.read_only else None,
        make("serial", text=drive.serial) if drive.serial else None,
        type="file",
        device=_DEVICES[drive.device],
    )


def channel_element(channel: ChannelSpec) -> Element:
    """A channel, to define or to attach: the hypervisor listens, so that we may come and go."""
    return make(
        "channel",
        make("source", mode="bind", path=channel.path),
        make("target", type="virtio", name=channel.name),
        type="unix",
    )


def scsi_controller() -> Element:
    """The SCSI controller that Linux and BSD have drivers for."""
    return make("controller", type="scsi", model="virtio-scsi")


def serial_controller() -> Element:
    """What channels hang on."""
    return make("controller", type="virtio-serial")


def boot_elements(boot: tuple[BootFrom, ...]) -> tuple[Element, ...]:
    """What firmware tries, in order."""
    return tuple(make("boot", dev=_BOOT[each]) for each in boot)


def _metadata(os: OsFamily) -> Element:
    known = make(f"{{{OSINFO}}}os", id=_OS_IDS[os]) if os in _OS_IDS else None
    return make(
        "metadata",
        make(f"{{{OWNER}}}domain"),
        None if known is None else make(f"{{{OSINFO}}}libosinfo", known),
    )


def _operating_system(spec: DomainSpec) -> tuple[Element | None, ...]:
    platform = spec.platform
    kind, machine = "hvm", platform.machine
    if platform.virtualisation is Virtualisation.XEN:
        kind, machine = _XEN_OS[platform.boundary]
    kernel = spec.kernel
    bare = platform.boundary is not Boundary.HVM
    system = make(
        "os",
        make("type", text=kind, arch=platform.arch, machine=machine),
        make("kernel", text=kernel.kernel) if kernel else None,
        make("initrd", text=kernel.initrd) if kernel and kernel.initrd else None,
        make("cmdline", text=kernel.command_line) if kernel and kernel.command_line else None,
        *(() if kernel or bare else boot_elements(spec.boot)),
        firmware="efi" if platform.firmware is Firmware.EFI else "",
    )
    # A paravirtual guest without a kernel of the host's takes it from its own disk.
    loader = make("bootloader", text="pygrub") if bare and kernel is None else None
    return loader, system


def _features(platform: Platform) -> Element | None:
    x86 = platform.arch in {"x86_64", "i686"} and platform.boundary is Boundary.HVM
    if not x86 and platform.firmware is not Firmware.EFI:
        return None
    return make("features", make("acpi"), make("apic") if x86 else None)


def _devices(spec: DomainSpec, *, xen: bool) -> Element:
    drives = assign(spec.drives, (), spec.uuid)
    buses = {each.bus for each in drives}
    return make(
        "devices",
        *(drive_element(each, xen=xen) for each in drives),
        scsi_controller() if Bus.SCSI in buses else None,
        make("controller", type="usb", model="qemu-xhci") if Bus.USB in buses else None,
        serial_controller() if spec.channels else None,
        *(_nic(each, xen=xen) for each in spec.nics),
        *(channel_element(each) for each in spec.channels),
        make("serial", make("source", path=spec.console), type="file") if spec.console else None,
        None if xen else make("memballoon", make("stats", period=_STATS_PERIOD), model="virtio"),
    )


def _nic(nic: NicSpec, *, xen: bool) -> Element:
    return make(
        "interface",
        make("mac", address=nic.mac),
        make("source", network=nic.network, bridge=nic.bridge),
        None if xen else make("model", type=nic.model),
        type="network" if nic.network else "bridge",
    )
