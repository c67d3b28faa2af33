"""A plain description becomes what the hypervisor is to define."""

from __future__ import annotations

from typing import Any

import pytest

from guestwright.host.acting.definition import Medium, mac_of, read, spec_of
from guestwright.host.jobs.errors import BadJob
from guestwright.hypervisor.domain import Bus, Firmware, OsFamily, Virtualisation
from guestwright.hypervisor.errors import BadDomainSpec
from guestwright.hypervisor.spec import DomainSpec

UUID = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01"
PLAIN: dict[str, Any] = {
    "uuid": UUID,
    "name": "web1",
    "vcpus": 2,
    "memory": 1 << 31,
    "disks": [{"domain": "main", "volume": "v", "target": "vda"}],
}


def spec(arch: str = "x86_64", **more: Any) -> DomainSpec:
    wanted = read("j", {**PLAIN, **more})
    media = [Medium(path=f"/d/{one.volume}.qcow2", format="qcow2") for one in wanted.disks]
    return spec_of(wanted, media, Virtualisation.KVM, arch)


def test_all_of_it() -> None:
    cards = [{"network": "default", "bridge": "", "model": "virtio"}, {"bridge": "br0", "model": "e1000"}]
    made = spec(nics=cards, os_family="debian", machine="q35", firmware="efi")
    assert (made.uuid, made.name, made.vcpus, made.memory_maximum) == (UUID, "web1", 2, 1 << 31)
    assert (made.platform.machine, made.platform.firmware, made.os) == ("q35", Firmware.EFI, OsFamily.LINUX)
    assert [(one.target, one.bus, one.medium, one.format) for one in made.drives] == [
        ("vda", Bus.VIRTIO, "/d/v.qcow2", "qcow2")
    ]
    assert [(one.network, one.bridge, one.model) for one in made.nics] == [
        ("default", "", "virtio"),
        ("", "br0", "e1000"),
    ]
    assert [one.mac for one in made.nics] == [mac_of(UUID, 0), mac_of(UUID, 1)]


def test_a_card_that_is_plugged_in_nowhere_is_left_out_and_changes_no_others_address() -> None:
    made = spec(nics=[{"model": "virtio"}, {"network": "default"}])
    assert [(one.network, one.mac) for one in made.nics] == [("default", mac_of(UUID, 1))]


@pytest.mark.parametrize(
    ("target", "bus", "expected"),
    [
        ("vda", "", Bus.VIRTIO),
        ("sda", "", Bus.SCSI),
        ("sda", "sata", Bus.SATA),
        ("hda", "", Bus.IDE),
        ("xvda", "", Bus.XEN),
    ],
)
def test_the_bus_is_told_by_the_name_unless_it_is_said(target: str, bus: str, expected: Bus) -> None:
    disk = {"domain": "main", "volume": "v", "target": target, "bus": bus}
    assert spec(disks=[disk]).drives[0].bus is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", OsFamily.UNKNOWN),
        ("unknown", OsFamily.UNKNOWN),
        ("fedora", OsFamily.LINUX),
        ("Windows Server 2022", OsFamily.WINDOWS),
        ("FreeBSD", OsFamily.BSD),
    ],
)
def test_families(said: str, expected: OsFamily) -> None:
    assert spec(os_family=said).os is expected


@pytest.mark.parametrize(
    ("arch", "said", "expected"),
    [
        ("x86_64", "", Firmware.BIOS),
        ("x86_64", "uefi", Firmware.EFI),
        ("aarch64", "", Firmware.EFI),
    ],
)
def test_firmware(arch: str, said: str, expected: Firmware) -> None:
    assert spec(arch, firmware=said).platform.firmware is expected


def test_addresses_of_cards_are_the_same_each_time_and_nobody_elses() -> None:
    other = UUID.replace("01", "02")
    macs = [mac_of(UUID, 0), mac_of(UUID, 1), mac_of(other, 0)]
    assert len(set(macs)) == 3
    assert macs[0] == mac_of(UUID, 0)
    assert all(int(one[:2], 16) & 3 == 2 for one in macs)  # locally administered, of one card


@pytest.mark.parametrize(
    "wrong",
    [{"vcpus": "2"}, {"colour": "red"}, {"disks": [{"volume": "v"}]}, {"uuid": None}],
    ids=["type", "unknown", "missing", "none"],
)
def test_what_is_no_description_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadJob, match=r"Expected|unknown field|missing required"):
        read("j", {**PLAIN, **wrong})


def test_what_no_hypervisor_takes_is_refused() -> None:
    with pytest.raises(BadDomainSpec, match="memory"):
        spec(memory=1000)
