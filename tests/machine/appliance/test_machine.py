"""xfs on LVM, and btrfs with subvolumes: opened, changed, collected, written to the image; others judge."""

from __future__ import annotations

import contextlib
import hashlib
import io
import mmap
import os
import signal
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from guestwright.guestfs.drivers.appliance import launch
from guestwright.guestfs.drivers.appliance.driver import open_appliance
from guestwright.guestfs.drivers.appliance.machine import ApplianceMachine
from guestwright.guestfs.drivers.appliance.overlay import ApplianceDisk
from guestwright.guestfs.errors import DriverFailed, NotFound, ScriptFailed, UnsupportedFilesystem
from guestwright.guestfs.open_machine import OpenOptions, open_machine
from guestwright.guestfs.port import GuestFS, Removed
from lab.images import btrfs, guestfish, xfs_lvm
from tests.support.tools import needs

pytestmark = [pytest.mark.machine, pytest.mark.timeout(900), needs("guestfish", "qemu-img", "qemu-io")]
SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----" * 300
FILES = {
    "etc/machine-id": b"0123456789abcdef0123456789abcdef\n",
    "etc/fstab": b"",
    "etc/ssh/ssh_host_key": SECRET,
    "home/alice/.bash_history": b"ls\n",
    "usr/lib/os-release": b"ID=fedora\nVERSION_ID=41\n",
    "var/log/messages": b"x" * 5000,
    "var/log/deep/log\nwith newline": b"y" * 70000,
}
LINKS = {"etc/os-release": "../usr/lib/os-release", "var/run": "/run", "etc/evil": "/../../../etc/hostname"}
DIRECTORIES = (
    "etc",
    "etc/ssh",
    "home",
    "home/alice",
    "run",
    "usr",
    "usr/lib",
    "var",
    "var/log",
    "var/log/deep",
)


BOOT = "disk0/p1"
UUIDS = {
    "lvm:vg0/root": "3d0c2b1a-0001-4000-8000-00000000000a",
    "lvm:vg0/swap": "3d0c2b1a-0001-4000-8000-00000000000b",
    "btrfs:disk1/p1:@": "3d0c2b1a-0001-4000-8000-00000000000c",
    "disk0/p1": "3d0c2b1a-0001-4000-8000-00000000000d",
}
ROOTS = ("lvm:vg0/root", "btrfs:disk1/p1:@")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A guest's two disks: xfs on LVM, and btrfs; both hold the same tree."""
    work = tmp_path_factory.mktemp("images")
    tar = work / "tree.tar"
    with tarfile.open(tar, "w") as archive:
        for name in DIRECTORIES:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, target in LINKS.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
        for name, data in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    disks = [
        guestfish.Disk(path=work / "xfs.img", size=xfs_lvm.SIZE),
        guestfish.Disk(path=work / "btrfs.img", size=btrfs.SIZE),
    ]
    guestfish.run(disks, [*xfs_lvm.commands("/dev/sda", tar), *btrfs.commands("/dev/sdb", tar)])
    return [disk.path for disk in disks]


def opened(images: list[Path]) -> ApplianceMachine:
    machine = open_machine([str(path) for path in images], OpenOptions(format="raw", writable=True))
    assert isinstance(machine, ApplianceMachine)
    return machine


def mount(fs: GuestFS, root: str) -> None:
    fs.unmount_all()
    fs.mount(root, "/")
    if root == ROOTS[0]:
        fs.mount(BOOT, "/boot", options="defaults")
    else:
        fs.mount("disk1/p1", "/home", options="noatime,subvol=/@home")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(fs: GuestFS) -> None:
    """A little of everything, as operations do it."""
    assert fs.resolve("/var/run") == "/run"
    assert fs.read("/etc/os-release") == FILES["usr/lib/os-release"]
    assert [one.path for one in fs.glob(["/etc/ssh/*_key", "/home/*/.bash_history", "/nothing/*"])] == [
        "/etc/ssh/ssh_host_key",
        "/home/alice/.bash_history",
    ]
    assert fs.remove("/etc/ssh/ssh_host_key", scrub=True) == Removed(files=1, size=len(SECRET))
    assert fs.remove("/home/alice/.bash_history") == Removed(files=1, size=3)
    assert fs.remove_files("/var/log") == Removed(files=2, size=75000)
    fs.write("/etc/machine-id", b"")
    fs.write("/etc/evil", b"inside\n", mode=0o640, uid=7, gid=8)
    fs.set_xattr("/etc/machine-id", "security.selinux", b"system_u:object_r:machineid_t:s0\0")


def sealed(image: Path, lines: Sequence[str]) -> str:
    """What guestfish says of a sealed disk."""
    argv = ["guestfish", "--ro", "--format=raw", "-a", str(image)]
    script = "\n".join(["run", *lines, ""])
    return subprocess.run(argv, input=script, capture_output=True, text=True, check=True).stdout


def test_seal_and_commit(images: list[Path], tmp_path: Path) -> None:
    before = [digest(path) for path in images]
    machine = opened(images)
    try:
        ids = {one.id: one for one in machine.fs.filesystems()}
        assert (ids["lvm:vg0/root"].type, ids[BOOT].part_label, ids["lvm:vg0/swap"].type) == (
            "xfs",
            "boot",
            "swap",
        )
        assert {"disk1/p1", "btrfs:disk1/p1:@", "btrfs:disk1/p1:@home"} <= set(ids)
        with pytest.raises(UnsupportedFilesystem):
            machine.fs.mount("lvm:vg0/swap", "/")
        for root in ROOTS:
            mount(machine.fs, root)
            seal(machine.fs)
        with pytest.raises(NotFound):
            machine.fs.mount("btrfs:disk1/p1:nothing", "/home")
        second = ["qemu-io", "-f", "raw", "-c", "write 0 512", str(images[0])]
        assert subprocess.run(second, capture_output=True, check=False).returncode != 0
        assert [digest(path) for path in images] == before
        script_and_uuids(machine)
        verdicts = {one.tool: one.clean for one in machine.check()}
        assert verdicts == {"xfs_repair -n": True, "btrfs check": True, "e2fsck -fp": True}
        assert [digest(path) for path in images] == before
        assert 0 < machine.commit() < 128 << 20  # xfs_admin -U writes its 64 MiB log anew
        with pytest.raises(DriverFailed):
            machine.fs.lstat("/etc/never-looked-at")
    finally:
        machine.close()
    assert all(old != digest(path) for old, path in zip(before, images, strict=True))
    judge(images)


def script_and_uuids(machine: ApplianceMachine) -> None:
    mount(machine.fs, ROOTS[0])
    machine.run_script("test -f boot/vmlinuz; echo made > etc/by-script; rm etc/os-release", "")
    assert machine.fs.read("/etc/by-script") == b"made\n"
    with pytest.raises(NotFound):
        machine.fs.lstat("/etc/os-release")
    with pytest.raises(ScriptFailed):
        machine.run_script("false; true", "")
    ids = {one.id: one for one in machine.fs.filesystems()}
    for id_, uuid in UUIDS.items():
        machine.set_uuid(ids[id_], uuid)
    machine.renew_lvm_uuids()
    assert machine.fs.read("/etc/by-script") == b"made\n"


def judge(images: list[Path]) -> None:
    xfs = sealed(
        images[0],
        [
            "vfs-uuid /dev/vg0/root",
            "vfs-uuid /dev/vg0/swap",
            "xfs-repair /dev/vg0/root nomodify:true",
            "mount /dev/vg0/root /",
            "find /etc",
            "find /var/log",
            "cat /etc/hostname",
            "filesize /etc/machine-id",
        ],
    )
    assert xfs.splitlines() == [
        UUIDS["lvm:vg0/root"],
        UUIDS["lvm:vg0/swap"],
        "0",
        *("/by-script", "/evil", "/fstab", "/hostname", "/machine-id", "/ssh", "/deep", "inside", "", "0"),
    ]
    other = sealed(
        images[1],
        [
            "vfs-uuid /dev/sda1",
            "btrfs-fsck /dev/sda1",
            "mount-options subvol=@ /dev/sda1 /",
            "mount-options subvol=@home /dev/sda1 /home",
            "find /home",
            "cat /etc/hostname",
            "filesize /etc/machine-id",
        ],
    )
    assert other.split() == [UUIDS["btrfs:disk1/p1:@"], "/alice", "inside", "0"]
    with images[0].open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        assert content.find(SECRET[:35] * 3) < 0  # scrubbed: nowhere on the disk


@pytest.mark.parametrize("how", ["kill", "deadline"])
def test_a_dead_appliance_is_a_clear_error(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(1 << 20))
    hypervisor = launch.Hypervisor()
    monkeypatch.setenv("GUESTWRIGHT_STATE", str(tmp_path))
    with contextlib.closing(open_appliance([ApplianceDisk(path=str(image), format="raw")])) as guest:
        pids = hypervisor.running(("qemu", "kvm"))
        assert pids
        status = Path(f"/proc/{pids[0]}/status").read_text()
        assert "Seccomp:\t2" in status
        if os.geteuid() == 0:
            assert "Uid:\t65534\t65534\t65534\t65534" in status
            assert "CapEff:\t0000000000000000" in status
        os.kill(pids[0], signal.SIGKILL if how == "kill" else signal.SIGSTOP)
        with pytest.raises(DriverFailed) as caught:
            guest.session.raw.number("blockdev_getsize64", "/dev/sda", seconds=2)
        assert "libguestfs-test-tool" in caught.value.message
        assert ("took too long" in caught.value.message) == (how == "deadline")
    assert not [name for name in os.listdir(tmp_path) if name != "disk.img"]
