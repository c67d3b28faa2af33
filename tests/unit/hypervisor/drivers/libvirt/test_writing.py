"""Definitions for libvirt; whether libvirt takes them, the contract and tests/system show."""

from __future__ import annotations

from typing import Any

import pytest

from guestwright.hypervisor.domain import (
    Boundary,
    Bus,
    Device,
    DomainId,
    Firmware,
    OsFamily,
    Platform,
    State,
    Virtualisation,
)
from guestwright.hypervisor.drivers.libvirt.document import parse
from guestwright.hypervisor.drivers.libvirt.reading import read_domain
from guestwright.hypervisor.drivers.libvirt.writing import write_domain
from guestwright.hypervisor.errors import HypervisorCannot
from guestwright.hypervisor.spec import BootFrom, ChannelSpec, DomainSpec, DriveSpec, KernelSpec, NicSpec

UUID = DomainId("00000000-0000-4000-8000-000000000001")
KVM, XEN = Virtualisation.KVM, Virtualisation.XEN


def spec(**changes: Any) -> DomainSpec:
    values: dict[str, Any] = {
        "uuid": UUID,
        "name": "guest",
        "platform": Platform(virtualisation=KVM, machine="q35"),
        "memory_maximum": 1 << 30,
    }
    return DomainSpec(**{**values, **changes})


def test_what_is_written_is_read_again() -> None:
    wanted = spec(
        os=OsFamily.WINDOWS,
        memory_target=1 << 29,
        vcpus=3,
        platform=Platform(virtualisation=KVM, machine="q35", firmware=Firmware.EFI),
        drives=(
            DriveSpec(device=Device.DISK, bus=Bus.VIRTIO, medium="/a&<b>.qcow2", format="qcow2", serial="S"),
            DriveSpec(device=Device.CD, bus=Bus.SCSI),
            DriveSpec(device=Device.CD, bus=Bus.USB, medium="/i.iso"),
            DriveSpec(device=Device.FLOPPY, bus=Bus.FDC, medium="/f.img", read_only=True),
        ),
        channels=(ChannelSpec(name="org.guestwright.agent.0", path="/run/a.sock"),),
        nics=(NicSpec(mac="52:54:00:00:00:01", network="default"),),
    )
    found = read_domain(write_domain(wanted), state=5, persistent=True, saved=False)
    assert (found.uuid, found.name, found.state, found.owned) == (UUID, "guest", State.OFF, True)
    assert (found.os, found.vcpus, found.balloon) == (OsFamily.WINDOWS, 3, True)
    assert (found.memory_maximum, found.memory_actual) == (1 << 30, 1 << 29)
    assert found.platform == wanted.platform
    assert [(each.target, each.medium, each.format, each.read_only) for each in found.drives] == [
        ("vda", "/a&<b>.qcow2", "qcow2", False),
        ("sda", "", "", True),
        ("sdb", "/i.iso", "raw", True),
        ("fda", "/f.img", "raw", True),
    ]
    assert found.drives[0].serial == "S"
    assert found.channels[0].path == "/run/a.sock"
    assert (found.nics[0].mac, found.nics[0].source) == ("52:54:00:00:00:01", "default")
    assert found.controllers == {"scsi:virtio-scsi", "usb:qemu-xhci", "virtio-serial:"}


@pytest.mark.parametrize(
    ("platform", "kernel", "holds", "lacks"),
    [
        (Platform(virtualisation=KVM), None, ["boot", "features/apic"], ["bootloader"]),
        (Platform(virtualisation=KVM, arch="aarch64", machine="virt"), None, ["os/boot"], ["features"]),
        (Platform(virtualisation=XEN, boundary=Boundary.PV), None, ["bootloader"], ["os/boot", "features"]),
        (
            Platform(virtualisation=XEN, boundary=Boundary.PVH),
            KernelSpec(kernel="/k"),
            ["os/kernel"],
            ["bootloader"],
        ),
        (Platform(virtualisation=XEN), None, ["os/boot", "features/acpi"], ["devices/memballoon"]),
    ],
    ids=["pc", "arm", "xen pv", "xen pvh", "xen hvm"],
)
def test_starts_in_its_platforms_way(
    platform: Platform, kernel: KernelSpec | None, holds: list[str], lacks: list[str]
) -> None:
    root = parse(write_domain(spec(platform=platform, kernel=kernel, boot=(BootFrom.CD,))), UUID)
    for each in holds:
        assert root.find(each if each != "boot" else "os/boot") is not None
    for each in lacks:
        assert root.find(each) is None


def test_xen_has_no_channels() -> None:
    channel = ChannelSpec(name="a", path="/a")
    with pytest.raises(HypervisorCannot, match="xenstore"):
        write_domain(spec(platform=Platform(virtualisation=XEN), channels=(channel,)))
