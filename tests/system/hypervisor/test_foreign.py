"""Domains that virsh made, and what other people's tools say of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

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
from guestwright.hypervisor.drivers.libvirt import failures
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.hypervisor.drivers.libvirt.writing import write_domain
from guestwright.hypervisor.errors import DomainNotFound, DomainNotOwned
from guestwright.hypervisor.events import EventKind, Reason
from guestwright.hypervisor.placement import place
from guestwright.hypervisor.spec import (
    BootFrom,
    ChannelSpec,
    DomainSpec,
    DriveSpec,
    KernelSpec,
    NicSpec,
    When,
)
from tests.support.hypervisors import Bench
from tests.support.libvirtd import NEEDS
from tests.support.program import environment
from tests.support.tools import needs

pytestmark = [pytest.mark.system, NEEDS]

FOREIGN = """
<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='{machine}'>hvm</type></os>
<devices>
<disk type='file' device='cdrom'><driver name='qemu' cache='none'/><target dev='{cd}'/><readonly/></disk>
<controller type='virtio-serial'/><controller type='scsi' model='virtio-scsi'/>
<memballoon model='none'/>
</devices></domain>
"""


def virsh(bench: Bench, *arguments: str) -> str:
    uri = LibvirtHypervisor.about(bench.hypervisor).uri  # type: ignore[arg-type]  # it is one
    done = subprocess.run(
        ["virsh", "--quiet", "--connect", uri, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@needs("virsh")
@pytest.mark.parametrize(("machine", "cd"), [("pc", "hda"), ("q35", "sda")])
def test_a_domain_of_virshs_is_used_but_not_removed(bench: Bench, machine: str, cd: str) -> None:
    domain = DomainId(str(uuid.uuid4()))
    path = Path(bench.directory, "foreign.xml")
    path.write_text(FOREIGN.format(name=f"theirs-{machine}", uuid=domain, machine=machine, cd=cd))
    virsh(bench, "define", str(path))
    virsh(bench, "start", domain)
    hypervisor = bench.hypervisor
    try:
        found = hypervisor.get(domain)
        assert (found.state, found.owned, found.balloon) == (State.RUNNING, False, False)
        iso, channel = bench.image("a.iso"), bench.channel()
        hypervisor.insert(domain, cd, iso)
        assert iso in virsh(bench, "domblklist", domain)
        hypervisor.attach_channel(domain, channel, when=When.BOTH)
        assert channel.path in virsh(bench, "dumpxml", domain)
        assert channel.path in virsh(bench, "dumpxml", "--inactive", domain)
        choice = place(Device.CD, hypervisor.get(domain), drivers=frozenset({Bus.SCSI}))
        assert (choice.device, choice.bus) == (Device.CD, Bus.SCSI)
        more = hypervisor.attach_drive(domain, DriveSpec(device=choice.device, bus=choice.bus, medium=iso))
        assert more.target in virsh(bench, "domblklist", domain)
        hypervisor.detach_drive(domain, more.target)
        assert more.target not in virsh(bench, "domblklist", domain).replace(cd, "")
        hypervisor.stop(domain)
        with pytest.raises(DomainNotOwned):
            hypervisor.undefine(domain)
        assert "theirs" in virsh(bench, "list", "--all")
    finally:
        hypervisor.stop(domain)
        virsh(bench, "undefine", domain)


@needs("virsh")
def test_a_domain_without_a_definition_is_gone_with_its_run(bench: Bench) -> None:
    domain = DomainId(str(uuid.uuid4()))
    path = Path(bench.directory, "transient.xml")
    path.write_text(FOREIGN.format(name="fleeting", uuid=domain, machine="pc", cd="hda"))
    virsh(bench, "create", str(path), "--paused")
    found = bench.hypervisor.get(domain)
    assert (found.state, found.persistent) == (State.PAUSED, False)
    bench.hypervisor.stop(domain)
    with pytest.raises(DomainNotFound):
        bench.hypervisor.get(domain)


def test_a_run_whose_process_is_killed_is_told_as_failed(bench: Bench) -> None:
    domain = bench.start()
    name = bench.hypervisor.get(domain).name
    (path,) = Path(bench.directory, "run").rglob(f"{name}.pid")
    os.kill(int(path.read_text()), signal.SIGKILL)
    assert bench.wait(EventKind.STOPPED, domain).reason is Reason.FAILED
    assert bench.hypervisor.get(domain).state is State.OFF
    assert bench.hypervisor.start(domain).state is State.RUNNING


def test_error_numbers_are_libvirts() -> None:
    libvirt = pytest.importorskip("libvirt") if "CI" not in os.environ else __import__("libvirt")
    for code in failures.Code:
        assert getattr(libvirt, f"VIR_ERR_{code.name}") == code
    for source in failures.Source:
        assert getattr(libvirt, f"VIR_FROM_{source.name}") == source


XEN = Virtualisation.XEN
PLATFORMS = {
    "kvm-q35-efi": Platform(virtualisation=Virtualisation.KVM, machine="q35", firmware=Firmware.EFI),
    "qemu-aarch64": Platform(virtualisation=Virtualisation.QEMU, arch="aarch64", machine="virt"),
    "xen-hvm": Platform(virtualisation=XEN),
    "xen-pv": Platform(virtualisation=XEN, boundary=Boundary.PV, firmware=Firmware.NONE),
    "xen-pvh": Platform(virtualisation=XEN, boundary=Boundary.PVH, firmware=Firmware.NONE),
}


@needs("virt-xml-validate", "xmllint")
@pytest.mark.parametrize("name", PLATFORMS)
def test_definitions_keep_to_libvirts_schema(name: str, tmp_path: Path) -> None:
    platform = PLATFORMS[name]
    xen = platform.virtualisation is XEN
    bus = Bus.XEN if xen else Bus.VIRTIO
    spec = DomainSpec(
        uuid=DomainId(str(uuid.uuid4())),
        name=f"guest-{name}",
        platform=platform,
        os=OsFamily.LINUX,
        memory_maximum=1 << 30,
        drives=(
            DriveSpec(device=Device.DISK, bus=bus, medium="/a&b.qcow2", format="qcow2", serial="S"),
            DriveSpec(device=Device.DISK, bus=bus, medium="/b.img", read_only=True),
            *(
                ()
                if xen
                else (DriveSpec(device=Device.CD, bus=Bus.SCSI), DriveSpec(device=Device.CD, bus=Bus.USB))
            ),
        ),
        channels=() if xen else (ChannelSpec(name="org.guestwright.agent.0", path="/run/a.sock"),),
        nics=(
            NicSpec(mac="52:54:00:00:00:01", bridge="xenbr0"),
            NicSpec(mac="52:54:00:00:00:02", network="n"),
        ),
        boot=(BootFrom.CD, BootFrom.NETWORK),
        kernel=KernelSpec(kernel="/k", initrd="/i", command_line="a=b")
        if platform.firmware is Firmware.NONE
        else None,
        console="/c.log",
    )
    path = tmp_path / "domain.xml"
    path.write_text(write_domain(spec))
    done = subprocess.run(
        ["virt-xml-validate", str(path), "domain"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + path.read_text()


EMBEDDED = """
import os
import sys
import libvirt
from guestwright.hypervisor.domain import Bus, Device, DomainId, Platform, Virtualisation
from guestwright.hypervisor.open_hypervisor import open_hypervisor
from guestwright.hypervisor.spec import DomainSpec, DriveSpec

root, image = sys.argv[1:]
if os.geteuid() == 0:  # root's QEMU would be given to a user that only libvirt's own packages make
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
hypervisor = open_hypervisor(f"qemu:///embed?root={root}")
domain = DomainId("00000000-0000-4000-8000-00000000e3bd")
platform = Platform(virtualisation=Virtualisation.QEMU, machine="pc")
drives = (DriveSpec(device=Device.CD, bus=Bus.IDE),)
spec = DomainSpec(uuid=domain, name="e", platform=platform, memory_maximum=32 << 20, drives=drives)
hypervisor.define(spec)
hypervisor.start(domain)
hypervisor.change(domain, "hda", image)
print(hypervisor.about().kind, hypervisor.get(domain).drive("hda").medium == image, flush=True)
hypervisor.stop(domain)
hypervisor.undefine(domain)
hypervisor.close()
"""


def test_qemu_without_a_daemon() -> None:
    with tempfile.TemporaryDirectory(prefix="gw-embed-", dir="/tmp") as root:
        image = Path(root, "a.iso")
        image.write_bytes(bytes(65536))
        Path(root, "etc").mkdir()
        Path(root, "etc/qemu.conf").write_text('stdio_handler = "file"\n')
        if os.geteuid() == 0:
            for path in (root, image, Path(root, "etc"), Path(root, "etc/qemu.conf")):
                os.chown(path, 65534, 65534)
        done = subprocess.run(
            [sys.executable, "-c", EMBEDDED, root, str(image)],
            env={name: value for name, value in environment({"HOME": root}).items() if "XDG" not in name},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stdout == "QEMU True\n", done.stderr
