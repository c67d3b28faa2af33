from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestwright.agent.core.facts import Address
from guestwright.agent.linux import devices
from guestwright.agent.linux.nics import Nics
from guestwright.agent.linux.rtnetlink import Link
from guestwright.agent.unix.files import Files
from guestwright.base.record import replace

MAC = "00:16:3e:00:00:01"


class Sysfs:
    """A tree like /sys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = Files(str(root))

    def card(self, name: str, device: str, bus: str, driver: str = "drv", **files: str) -> None:
        """A network card: `device` is the path below /sys/devices."""
        place = self.root / "sys/devices" / device
        card = place / "net" / name
        card.mkdir(parents=True, exist_ok=True)
        net = self.root / "sys/class/net"
        net.mkdir(parents=True, exist_ok=True)
        (net / name).symlink_to(os.path.relpath(card, net))
        (card / "device").symlink_to("../..")
        for link, target in (
            ("subsystem", f"/sys/bus/{bus}"),
            ("driver", f"/sys/bus/{bus}/drivers/{driver}"),
        ):
            if not (place / link).is_symlink():
                (place / link).symlink_to(target)
        # /sys/class/net/NAME/device is a symbolic link to the device's own directory.
        (card / "device").unlink()
        (card / "device").symlink_to(os.path.relpath(place, card))
        for key, value in files.items():
            where = place if key == "nodename" else card
            (where / key).write_text(value + "\n")


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    return Sysfs(tmp_path)


def link(index: int, name: str, kind: str = "", **more: object) -> Link:
    return replace(Link(index=index, name=name, kind=kind, mac=MAC, mtu=1500, up=True, carrier=True), **more)


def test_a_vif(sysfs: Sysfs) -> None:
    sysfs.card("enX0", "vif-0", "xen", "vif", nodename="device/vif/0")
    nic = devices.nic(link(2, "enX0"), sysfs.files)
    assert (nic.id, nic.kind, nic.vif, nic.driver, nic.bus) == ("vif-0", "vif", 0, "vif", "")
    assert (nic.mac, nic.mtu, nic.up, nic.carrier) == (MAC, 1500, True, True)


@pytest.mark.parametrize("node", ["device/vbd/0", "device/vif/", "device/vif/x", "device/vif/123456", ""])
def test_an_odd_name_of_a_node(sysfs: Sysfs, node: str) -> None:
    sysfs.card("enX0", "vif-0", "xen", nodename=node)
    assert devices.nic(link(2, "enX0"), sysfs.files).kind == "other"


def test_a_pci_card(sysfs: Sysfs) -> None:
    sysfs.card("ens5", "pci0000:00/0000:00:05.0", "pci", "ixgbevf", speed="10000")
    nic = devices.nic(link(2, "ens5"), sysfs.files)
    assert (nic.id, nic.kind, nic.driver) == ("pci-0000_00_05_0", "pci", "ixgbevf")
    assert (nic.bus, nic.speed, nic.vif) == ("0000:00:05.0", 10000, None)


@pytest.mark.parametrize("speed", ["-1", "", "x", "0"])
def test_a_speed_that_is_not_known(sysfs: Sysfs, speed: str) -> None:
    sysfs.card("ens5", "pci0000:00/0000:00:05.0", "pci", speed=speed)
    assert devices.nic(link(2, "ens5"), sysfs.files).speed is None


def test_two_ports_of_a_card(sysfs: Sysfs) -> None:
    for port in ("0", "1"):
        sysfs.card(f"ens5p{port}", "pci0000:00/0000:00:05.0", "pci", dev_port=port)
    assert devices.nic(link(2, "ens5p0"), sysfs.files).id == "pci-0000_00_05_0"
    assert devices.nic(link(3, "ens5p1"), sysfs.files).id == "pci-0000_00_05_0-port1"


def test_a_usb_card(sysfs: Sysfs) -> None:
    sysfs.card("enxaabb", "pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.0", "usb", "r8152")
    nic = devices.nic(link(2, "enxaabb"), sysfs.files)
    assert (nic.id, nic.kind, nic.bus) == ("usb-1-2_3_1_0", "usb", "1-2.3:1.0")


def test_a_virtio_card_is_named_by_its_pci_address(sysfs: Sysfs) -> None:
    sysfs.card("eth0", "pci0000:00/0000:00:03.0/virtio0", "virtio", "virtio_net")
    nic = devices.nic(link(2, "eth0"), sysfs.files)
    assert (nic.id, nic.kind, nic.bus) == ("pci-0000_00_03_0", "virtio", "0000:00:03.0")


def test_a_virtio_card_without_pci(sysfs: Sysfs) -> None:
    sysfs.card("eth0", "platform/virtio3", "virtio", "virtio_net")
    assert devices.nic(link(2, "eth0"), sysfs.files).id == "virtio-3"


def test_other_hardware_and_none(sysfs: Sysfs) -> None:
    sysfs.card("eth0", "vmbus/x", "vmbus")
    assert devices.nic(link(2, "eth0"), sysfs.files).id == "other-2"
    assert devices.nic(link(3, "gone"), sysfs.files).kind == "other"
    assert devices.nic(link(4, "a/b"), sysfs.files).kind == "other"


def test_software(sysfs: Sysfs) -> None:
    nic = devices.nic(link(7, "br0", "bridge", bridge="8000.00163e000001"), sysfs.files)
    assert (nic.id, nic.kind, nic.guid) == ("bridge-7", "bridge", "8000.00163e000001")
    assert devices.nic(link(8, "x", "o/d.d kind"), sysfs.files).id == "o_d_d_kind-8"


def test_members_masters_and_addresses(sysfs: Sysfs) -> None:
    sysfs.card("enX0", "vif-0", "xen", nodename="device/vif/0")
    sysfs.card("enX1", "vif-1", "xen", nodename="device/vif/1")
    links = {
        1: link(1, "lo", loopback=True),
        2: link(2, "enX0", master=7),
        3: link(3, "enX1", master=99),
        7: link(7, "br0", "bridge"),
        8: link(8, "br0.42", "vlan", lower=7, vlan=42),
        9: link(9, "veth0", "veth", lower=3),
    }
    address = Address(family=4, address="192.0.2.1", prefix=24)
    nics = {
        nic.id: nic
        for nic in Nics(sysfs.files).facts(links, {(8, 4, "192.0.2.1"): address, (1, 4, "x"): address})
    }
    assert list(nics) == ["vif-0", "vif-1", "bridge-7", "vlan-8", "veth-9"]
    assert nics["vif-0"].master == "bridge-7"
    assert nics["vif-1"].master == ""
    assert nics["bridge-7"].members == ("vif-0",)
    assert nics["vlan-8"].members == ("bridge-7",)
    assert nics["vlan-8"].addresses == (address,)
    assert nics["vlan-8"].vlan == 42
    assert nics["veth-9"].members == ()


def test_a_card_with_two_interfaces_that_nothing_tells_apart(sysfs: Sysfs) -> None:
    for name in ("a", "b"):
        sysfs.card(name, "pci0000:00/0000:00:05.0", "pci")
    nics = Nics(sysfs.files)
    found = nics.facts({2: link(2, "a"), 3: link(3, "b")}, {})
    assert [nic.id for nic in found] == ["pci-0000_00_05_0", "pci-0000_00_05_0-if3"]
    assert [nic.id for nic in nics.facts({3: link(3, "b")}, {})] == ["pci-0000_00_05_0-if3"]


def test_sys_is_read_again_only_for_what_changed(sysfs: Sysfs) -> None:
    sysfs.card("enX0", "vif-0", "xen", nodename="device/vif/0")
    nics = Nics(sysfs.files)
    assert nics.facts({2: link(2, "enX0")}, {})[0].vif == 0
    (sysfs.root / "sys/class/net/enX0").unlink()
    assert nics.facts({2: link(2, "enX0")}, {})[0].vif == 0
    assert nics.facts({2: link(2, "renamed")}, {})[0].vif is None
    assert nics.facts({}, {}) == ()
