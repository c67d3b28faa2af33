"""Changes to libvirt's XML keep all that they are not about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestwright.hypervisor.domain import Bus, Device
from guestwright.hypervisor.drivers.libvirt.document import attribute, parse
from guestwright.hypervisor.drivers.libvirt.editing import drive_text, for_one_run, with_medium
from guestwright.hypervisor.errors import DriveNotFound, DriveNotRemovable, TargetTaken
from guestwright.hypervisor.spec import BootFrom, DriveSpec, RunOnce

TEXT = """
<domain type='kvm'><name>a</name>
<os><type>hvm</type><boot dev='hd'/><bootmenu enable='yes'/></os>
<devices>
<disk type='file' device='disk'><source file='/d'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>
<disk type='block' device='cdrom'>
  <driver name='qemu' type='qcow2' cache='none'/><source dev='/dev/sr0' index='4'/><backingStore/>
  <target dev='sda' bus='sata'/><readonly/><alias name='ua-mine'/><address type='drive' unit='0'/>
</disk>
<disk type='file' device='cdrom'><target dev='sdb' bus='sata'/><readonly/></disk>
<graphics type='vnc' passwd='canary'/>
</devices></domain>
"""


def test_a_medium_replaces_only_the_medium() -> None:
    disk = parse(with_medium(TEXT, "a", "sda", "/new.iso"), "a")
    assert disk.get("type") == "file"
    assert [each.tag for each in disk] == ["driver", "source", "target", "readonly", "address"]
    assert disk[0].attrib == {"name": "qemu", "type": "raw", "cache": "none"}
    assert disk[1].attrib == {"file": "/new.iso"}


def test_an_empty_drive_has_no_source() -> None:
    disk = parse(with_medium(TEXT, "a", "sda", ""), "a")
    assert disk.find("source") is None
    assert disk[0].attrib == {"name": "qemu", "cache": "none"}


def test_a_drive_without_a_driver_gets_one() -> None:
    disk = parse(with_medium(TEXT, "a", "sdb", "/new.iso"), "a")
    assert [each.tag for each in disk] == ["driver", "source", "target", "readonly"]


def test_a_drive_as_it_is() -> None:
    assert parse(drive_text(TEXT, "a", "sda"), "a").find("alias") is not None


@pytest.mark.parametrize("change", [drive_text, lambda text, a, b: with_medium(text, a, b, "/x")])
def test_no_such_drive(change: Callable[[str, str, str], str]) -> None:
    with pytest.raises(DriveNotFound, match="vda, sda, sdb"):
        change(TEXT, "a", "sdc")


def test_one_run() -> None:
    once = RunOnce(
        media=(("sdb", "/once.iso"), ("sda", "")),
        drives=(DriveSpec(device=Device.CD, bus=Bus.SATA, medium="/p.iso"),),
        boot=(BootFrom.NETWORK, BootFrom.DISK),
    )
    root = parse(for_one_run(TEXT, "a", once), "a")
    sources = {
        attribute(disk, "target", "dev"): attribute(disk, "source", "file")
        for disk in root.findall("devices/disk")
    }
    assert sources == {"vda": "/d", "sda": "", "sdb": "/once.iso", "sdc": "/p.iso"}
    assert [each.get("dev") for each in root.findall("os/boot")] == ["network", "hd"]
    assert root.find("devices/disk/boot") is None
    assert root.find("os/bootmenu") is not None
    assert attribute(root, "devices/graphics", "passwd") == "canary"


def test_one_run_that_changes_nothing() -> None:
    root = parse(for_one_run(TEXT, "a", RunOnce(paused=True)), "a")
    assert root.find("devices/disk/boot") is not None
    assert len(root.findall("devices/disk")) == 3


@pytest.mark.parametrize(
    ("once", "error"),
    [
        (RunOnce(media=(("vda", "/x"),)), DriveNotRemovable),
        (RunOnce(media=(("hdc", "/x"),)), DriveNotFound),
        (RunOnce(drives=(DriveSpec(device=Device.CD, bus=Bus.SATA, target="sda"),)), TargetTaken),
    ],
    ids=["disk", "nothing", "taken"],
)
def test_one_run_that_cannot_be(once: RunOnce, error: type[Exception]) -> None:
    with pytest.raises(error):
        for_one_run(TEXT, "a", once)
