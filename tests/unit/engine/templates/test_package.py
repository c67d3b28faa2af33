"""Versions of templates as descriptors, and descriptors as what a job makes."""

from __future__ import annotations

from typing import Any

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import replace
from guestwright.engine.templates.errors import BadTemplateRequest
from guestwright.engine.templates.host_port import Place
from guestwright.engine.templates.inventory_port import DiskOf, MachineOf
from guestwright.engine.templates.package import Stored, described, disks_of, machine_of
from guestwright.ovf.errors import UnsupportedPackage
from guestwright.ovf.model import Disk, File, Format, Nic, Payload
from guestwright.ovf.reader import read
from guestwright.ovf.writer import write
from tests.support.ovf_samples import OURS, VIRTUALBOX

PLACE = Place(host="h", domain="d", volume="v")
MACHINE: dict[str, Any] = {
    "vcpus": 2,
    "memory": 3 << 29,
    "os_family": "linux",
    "firmware": "efi",
    "machine": "Q35_x",
    "nics": [{"network": "lan", "bridge": "", "model": "virtio-net-pci"}],
}
STORED = {
    "f1": Stored(disk="d1", format="qcow2", size=64 << 20),
    "f2": Stored(disk="d2", format="raw", size=1 << 20),
}


def disk(number: int, target: str) -> DiskOf:
    return DiskOf(disk=f"id{number}", place=PLACE, size=1 << 30, format="qcow2", target=target)


def test_what_is_exported_is_imported() -> None:
    machine = MachineOf(id="v", disks=(disk(1, "vda"), disk(2, "sda"), disk(3, "hdb")), description=MACHINE)
    payload = Payload(device="floppy", persistence="run-once", name="p", files=(("a.txt", 3),))
    found = read(write(described("Web & co", "for tests", replace(machine, sealed=True), [payload])))
    assert [one.name for one in found.files] == [f"Web-co-disk{n}.qcow2" for n in (1, 2, 3)]
    assert [(one.bus, one.target) for one in found.disks] == [
        ("virtio", "vda"),
        ("scsi", "sda"),
        ("ide", "hdb"),
    ]
    assert (found.sealed, found.drives, found.payloads) == (True, ("floppy",), (payload,))
    assert machine_of(found) == MACHINE
    stored = {
        one.disk: Stored(disk=f"new-{one.disk}", format=one.format, size=one.size) for one in machine.disks
    }
    assert disks_of(found, stored, {"id1": "a" * 64}) == [
        {"disk": "new-id1", "target": "vda", "sha256": "a" * 64},
        {"disk": "new-id2", "target": "sda", "sha256": ""},
        {"disk": "new-id3", "target": "hdb", "sha256": ""},
    ]


def test_drives_get_names_where_nobody_gave_any() -> None:
    buses = ["", "scsi", "sata", "ide", "", "virtio"]
    files = tuple(File(id=f"f{n}", name=f"{n}.img") for n in range(len(buses)))
    disks = tuple(
        Disk(
            id=f"{n}", file=f"f{n}", format=Format.RAW, capacity=512, bus=bus, target="vdb" if n == 5 else ""
        )
        for n, bus in enumerate(buses)
    )
    stored = {one.id: Stored(disk=one.id, format="raw", size=512) for one in files}
    found = disks_of(replace(OURS, files=files, disks=disks), stored, {})
    assert [one["target"] for one in found] == ["vda", "sda", "sdb", "hda", "vdc", "vdb"]


def test_cards_of_others_get_the_usual_model_and_no_bridge() -> None:
    cards = (Nic(network="VM Network"), Nic(network="br0", bridge="br0", model="e1000"))
    assert machine_of(replace(OURS, nics=cards))["nics"] == [
        {"network": "VM Network", "bridge": "", "model": "virtio"},
        {"network": "", "bridge": "br0", "model": "e1000"},
    ]


@pytest.mark.parametrize(
    ("stored", "digests", "error"),
    [
        ({"f1": STORED["f1"]}, {}, BadTemplateRequest),
        ({**STORED, "f9": STORED["f1"]}, {}, BadTemplateRequest),
        (STORED, {"f9": "a" * 64}, BadTemplateRequest),
        ({**STORED, "f2": replace(STORED["f2"], format="qcow2")}, {}, BadTemplateRequest),
        ({**STORED, "f2": replace(STORED["f2"], size=512)}, {}, BadTemplateRequest),
    ],
)
def test_what_does_not_fit_is_refused(
    stored: dict[str, Stored], digests: dict[str, str], error: type[GuestwrightError]
) -> None:
    with pytest.raises(error):
        disks_of(OURS, stored, digests)


def test_formats_that_nothing_here_reads() -> None:
    with pytest.raises(UnsupportedPackage, match="vmdk"):
        disks_of(read(VIRTUALBOX.encode()), {}, {})
