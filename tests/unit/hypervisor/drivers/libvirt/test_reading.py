"""Domains out of libvirt's XML: of our own and of other people's making."""

from __future__ import annotations

import pytest

from guestwright.hypervisor.domain import (
    Boundary,
    Bus,
    Channel,
    Device,
    Domain,
    DomainId,
    Drive,
    Firmware,
    Nic,
    OsFamily,
    Platform,
    State,
    Virtualisation,
)
from guestwright.hypervisor.drivers.libvirt.reading import family, read_domain
from guestwright.hypervisor.errors import HypervisorRefused

VIRT_MANAGER = """
<domain type='kvm' id='3' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>debian12</name>
  <uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit='GiB'>2</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
  <vcpu placement='static' current='1'>2</vcpu>
  <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/var/lib/libvirt/images/debian12.qcow2' index='2'/>
      <backingStore/>
      <target dev='vda' bus='virtio'/>
      <serial>ROOT</serial>
      <alias name='virtio-disk0'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw'/><source dev='/dev/vg/data'/><target dev='vdb' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu'/><target dev='sda' bus='sata' tray='open'/><readonly/>
    </disk>
    <disk type='block' device='lun'><source dev='/dev/sg0'/><target dev='sdb' bus='scsi'/></disk>
    <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
    <controller type='virtio-serial' index='0'/>
    <interface type='network'>
      <mac address='52:54:00:AA:bb:01'/>
      <source network='default' portid='x' bridge='virbr0'/>
      <target dev='vnet0'/>
      <model type='virtio'/>
    </interface>
    <channel type='unix'>
      <source mode='bind' path='/run/libvirt/qemu/channel/3-debian12/org.qemu.guest_agent.0'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0' state='disconnected'/></channel>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


def test_a_domain_of_virt_manager() -> None:
    assert read_domain(VIRT_MANAGER, state=1, persistent=True, saved=False) == Domain(
        uuid=DomainId("c7a5fdbd-cdaf-9455-926a-d65c16db1809"),
        name="debian12",
        state=State.RUNNING,
        run=3,
        platform=Platform(virtualisation=Virtualisation.KVM, machine="pc-q35-7.2", firmware=Firmware.EFI),
        os=OsFamily.LINUX,
        memory_maximum=2 << 30,
        memory_actual=1 << 30,
        vcpus=2,
        drives=(
            Drive(
                device=Device.DISK,
                bus=Bus.VIRTIO,
                target="vda",
                medium="/var/lib/libvirt/images/debian12.qcow2",
                format="qcow2",
                serial="ROOT",
            ),
            Drive(device=Device.DISK, bus=Bus.VIRTIO, target="vdb", medium="/dev/vg/data", format="raw"),
            Drive(device=Device.CD, bus=Bus.SATA, target="sda", read_only=True),
        ),
        channels=(
            Channel(
                name="org.qemu.guest_agent.0",
                path="/run/libvirt/qemu/channel/3-debian12/org.qemu.guest_agent.0",
                open=True,
            ),
        ),
        nics=(Nic(mac="52:54:00:aa:bb:01", source="default", model="virtio", host_device="vnet0"),),
        controllers=frozenset({"usb:qemu-xhci", "virtio-serial:"}),
    )


@pytest.mark.parametrize(
    ("number", "saved", "running", "state"),
    [
        (1, False, True, State.RUNNING),
        (2, False, True, State.RUNNING),
        (3, False, True, State.PAUSED),
        (4, False, True, State.STOPPING),
        (5, False, False, State.OFF),
        (5, True, False, State.SUSPENDED),
        (6, False, False, State.OFF),
        (6, False, True, State.CRASHED),
        (7, False, True, State.SLEEPING),
        (0, False, True, State.RUNNING),
        (99, False, True, State.RUNNING),
    ],
)
def test_states(number: int, saved: bool, running: bool, state: State) -> None:
    text = VIRT_MANAGER if running else VIRT_MANAGER.replace(" id='3'", "", 1)
    assert read_domain(text, state=number, persistent=True, saved=saved).state is state


@pytest.mark.parametrize(
    ("kind", "os", "virtualisation", "boundary", "firmware"),
    [
        ("qemu", "<type>hvm</type>", Virtualisation.QEMU, Boundary.HVM, Firmware.BIOS),
        (
            "kvm",
            "<type>hvm</type><loader type='pflash'>x</loader>",
            Virtualisation.KVM,
            Boundary.HVM,
            Firmware.EFI,
        ),
        ("xen", "<type>linux</type>", Virtualisation.XEN, Boundary.PV, Firmware.NONE),
        ("xen", "<type>xenpvh</type>", Virtualisation.XEN, Boundary.PVH, Firmware.NONE),
        ("xen", "<type>hvm</type>", Virtualisation.XEN, Boundary.HVM, Firmware.BIOS),
    ],
)
def test_platforms(
    kind: str, os: str, virtualisation: Virtualisation, boundary: Boundary, firmware: Firmware
) -> None:
    text = f"<domain type='{kind}'><name>a</name><os>{os}</os></domain>"
    found = read_domain(text, state=5, persistent=True, saved=False)
    wanted = Platform(virtualisation=virtualisation, boundary=boundary, firmware=firmware)
    assert found.platform == wanted
    assert found.balloon == (kind == "xen")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<domain>",
        "<!DOCTYPE d [<!ENTITY a 'b'>]><domain>&a;</domain>",
        "<domain>" + " " * (5 << 20) + "</domain>",
    ],
    ids=["empty", "cut", "entities", "endless"],
)
def test_what_libvirt_does_not_write(text: str) -> None:
    with pytest.raises(HypervisorRefused):
        read_domain(text, state=1, persistent=True, saved=False)


@pytest.mark.parametrize("memory", ["", "-1", "1e9", "9" * 40, "٣"])
def test_numbers_that_are_none(memory: str) -> None:
    text = f"<domain><memory>{memory}</memory></domain>"
    assert read_domain(text, state=1, persistent=True, saved=False).memory_maximum in {0, 3 << 10}


@pytest.mark.parametrize(
    ("os_id", "wanted"),
    [
        ("http://debian.org/debian/12", OsFamily.LINUX),
        ("http://microsoft.com/win/11", OsFamily.WINDOWS),
        ("http://www.freebsd.org/freebsd/14.0", OsFamily.BSD),
        ("http://apple.com/macosx/10.7", OsFamily.UNKNOWN),
        ("", OsFamily.UNKNOWN),
        ("debian.org", OsFamily.UNKNOWN),
    ],
)
def test_families(os_id: str, wanted: OsFamily) -> None:
    assert family(os_id) is wanted
