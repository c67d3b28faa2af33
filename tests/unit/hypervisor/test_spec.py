"""What is refused before a hypervisor hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guestwright.hypervisor.domain import Bus, Device, DomainId, Firmware, Platform, Virtualisation
from guestwright.hypervisor.errors import BadDomainSpec
from guestwright.hypervisor.spec import (
    ChannelSpec,
    DomainSpec,
    DriveSpec,
    KernelSpec,
    Migration,
    NicSpec,
    RunOnce,
)

UUID = DomainId("00000000-0000-4000-8000-000000000001")
QEMU = Platform(virtualisation=Virtualisation.QEMU, machine="pc")


def domain(**changes: Any) -> DomainSpec:
    values: dict[str, Any] = {"uuid": UUID, "name": "guest", "platform": QEMU, "memory_maximum": 1 << 30}
    return DomainSpec(**{**values, **changes})


def cd(**changes: Any) -> DriveSpec:
    values: dict[str, Any] = {"device": Device.CD, "bus": Bus.IDE}
    return DriveSpec(**{**values, **changes})


def test_what_is_fine() -> None:
    made = domain(
        name="web-1.example+x:@",
        drives=(
            cd(medium="/a b/é.iso"),
            DriveSpec(device=Device.DISK, bus=Bus.VIRTIO, medium="/d", format="qcow2"),
        ),
        channels=(ChannelSpec(name="org.guestwright.agent.0", path="/run/x.sock"),),
        nics=(NicSpec(mac="52:54:00:00:00:01", bridge="xenbr0"),),
        kernel=KernelSpec(kernel="/vmlinuz", initrd="/initrd", command_line="console=ttyS0 root=/dev/vda"),
    )
    assert made.boot
    assert Migration(destination="qemu+tls://host.example/system", data="tcp://[::1]:49152").live


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: domain(uuid="1"), "uuid"),
        (lambda: domain(uuid=UUID.upper().replace("0", "A")), "uuid"),
        (lambda: domain(name=""), "name"),
        (lambda: domain(name="-v"), "name"),
        (lambda: domain(name="a/b"), "name"),
        (lambda: domain(name="a\n"), "name"),
        (lambda: domain(name="n" * 129), "name"),
        (lambda: domain(memory_maximum=1), "memory"),
        (lambda: domain(memory_maximum=(1 << 46) + 1024), "memory"),
        (lambda: domain(memory_target=2 << 30), "memory"),
        (lambda: domain(vcpus=0), "vcpus"),
        (lambda: domain(drives=(cd(),) * 101), "drives"),
        (lambda: domain(drives=(cd(target="hda"),) * 2), "target"),
        (
            lambda: domain(channels=(ChannelSpec(name="a", path="/a"), ChannelSpec(name="a", path="/b"))),
            "channel",
        ),
        (
            lambda: domain(platform=Platform(virtualisation=Virtualisation.QEMU, machine="q35 -foo")),
            "platform",
        ),
        (
            lambda: domain(platform=Platform(virtualisation=Virtualisation.XEN, firmware=Firmware.NONE)),
            "firmware",
        ),
        (lambda: domain(console="log"), "console"),
        (lambda: cd(medium="relative.iso"), "medium"),
        (lambda: cd(medium="/a/../etc/shadow"), "medium"),
        (lambda: cd(medium="/a/.."), "medium"),
        (lambda: cd(medium="/a\n"), "medium"),
        (lambda: cd(medium="/" + "a" * 1024), "medium"),
        (lambda: cd(format="vmdk"), "format"),
        (lambda: cd(target="sda"), "target"),
        (lambda: cd(bus=Bus.FDC), "bus"),
        (lambda: DriveSpec(device=Device.FLOPPY, bus=Bus.IDE), "bus"),
        (lambda: DriveSpec(device=Device.DISK, bus=Bus.IDE), "medium"),
        (lambda: cd(serial="a,b=c"), "serial"),
        (lambda: ChannelSpec(name="a b", path="/a"), "channel"),
        (lambda: ChannelSpec(name="a", path="/" + "a" * 107), "channel path"),
        (lambda: NicSpec(mac="01:00:5e:00:00:01", bridge="b"), "mac"),
        (lambda: NicSpec(mac="52:54:00:00:00:0G", bridge="b"), "mac"),
        (lambda: NicSpec(mac="52:54:00:00:00:01"), "nic"),
        (lambda: NicSpec(mac="52:54:00:00:00:01", network="a", bridge="b"), "nic"),
        (lambda: NicSpec(mac="52:54:00:00:00:01", bridge="b;c"), "source"),
        (lambda: KernelSpec(kernel="vmlinuz"), "kernel"),
        (lambda: KernelSpec(kernel="/k", initrd="i"), "initrd"),
        (lambda: KernelSpec(kernel="/k", command_line="a\nb"), "command line"),
        (lambda: RunOnce(media=(("hdc", "x"),)), "medium"),
        (lambda: RunOnce(media=(("hdc", ""), ("hdc", ""))), "target"),
        (lambda: Migration(destination="host"), "destination"),
        (lambda: Migration(destination="qemu+ssh://h/system", data="tcp://h x"), "destination"),
    ],
)
def test_refused(make: Callable[[], object], field: str) -> None:
    with pytest.raises(BadDomainSpec) as caught:
        make()
    assert caught.value.params["field"] == field
