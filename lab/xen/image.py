"""Builds what a Xen host boots from, out of Debian's packages: no mounts, no loop devices, no machine.

    python -m lab.xen.image      (prints the directory; built when var/cache has none)

Theory of operation: `lab.debian.base_tar` installs dom0's system into a tar; hypervisor and kernel are taken
out of their packages. From these come a disk with dom0's system, a small initramfs that finds that disk, and
the initramfs that is a whole guest: Python, busybox and what they depend on, picked from the same tar by
dpkg's own lists of files. The guest's kernel and initramfs lie on dom0's disk, where `xl` wants them.
Without root the disk is filled below fakeroot.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab import debian, ext
from lab.xen import modules, packages
from lab.xen.cpio import Archive

HYPERVISOR = "xen-hypervisor-4.17-amd64"
DOM0 = [
    *("python3", "xen-utils-4.17", "xenstore-utils", "kmod", "iproute2", "busybox-static", "procps"),
    *("libvirt-daemon", "libvirt-daemon-driver-xen", "libvirt-clients", "python3-libvirt"),
]
DEVICE_MODEL = ["qemu-system-xen"]
"""More of dom0, for HVM guests."""
GUEST = ["python3.11", "busybox-static"]

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))
_SIZE = 2 << 30
_DISK_MODULES = ["virtio_pci", "virtio_blk", "ext4", "crc32c_generic"]
_GUEST_MODULES = [
    *("xen-blkfront", "xen-netfront", "xenfs", "xen-evtchn", "xen-gntalloc", "xen-gntdev"),
    *("crc32c_generic", "ext4", "isofs", "vfat", "nls_ascii", "nls_cp437", "loop"),
    *("8021q", "bonding", "bridge", "dummy"),
    *("ata_piix", "sr_mod"),  # the emulated CD drive of an HVM guest
]
_UNWANTED = (  # of the guest, which is copied into memory twice
    "usr/bin/dpkg",
    "usr/bin/tar",  # busybox has one
    "usr/lib/x86_64-linux-gnu/libmvec.so",
    "usr/share/",
    "usr/lib/x86_64-linux-gnu/gconv/",
    "usr/lib/x86_64-linux-gnu/perl",
    "usr/lib/python3.11/lib2to3/",
    "usr/lib/python3.11/pydoc_data/",
    "var/",
    "etc/",
)
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a host boots from: paths of hypervisor, dom0's kernel, its initramfs and its disk (raw ext4)."""

    hypervisor: str
    kernel: str
    initramfs: str
    disk: str


def build(*, hvm: bool = False) -> Image:
    """The image; built when the cache has none for this recipe (about a minute).

    Args:
        hvm: with what HVM guests need.

    Raises:
        lab.ext.ToolFailed: a tool of the build said no.
        subprocess.CalledProcessError: mmdebstrap, or the part below fakeroot.
    """
    directory = os.path.join(debian.cache_directory(), f"xen-{_key()}{'-hvm' if hvm else ''}")
    if not os.path.exists(directory):
        with ThreadPoolExecutor(2) as pool:
            tar = pool.submit(debian.base_tar, DOM0 + DEVICE_MODEL if hvm else DOM0)
            with tempfile.TemporaryDirectory(prefix="lab-xen-", dir=debian.cache_directory()) as scratch:
                unpacked = pool.submit(_unpack, scratch)
                argv = [sys.executable, "-m", "lab.xen.image", scratch, unpacked.result(), tar.result()]
                if os.geteuid() != 0:
                    if shutil.which("fakeroot") is None:
                        raise ext.ToolFailed("the Xen lab is built by root, or with the package fakeroot")
                    argv = ["fakeroot", *argv]
                subprocess.run(argv, check=True, cwd=_ROOT, stdin=subprocess.DEVNULL)
                finished = os.path.join(scratch, "finished")
                if not os.path.exists(directory):
                    os.rename(finished, directory)
    names = ("hypervisor", "kernel", "initramfs", "disk")
    hypervisor, kernel, initramfs, disk = (os.path.join(directory, name) for name in names)
    return Image(hypervisor=hypervisor, kernel=kernel, initramfs=initramfs, disk=disk)


def _key() -> str:
    """Names the recipe: every file of the lab that has a say in the image."""
    digest = hashlib.sha256()
    for name in sorted(["cpio.py", "image.py", "modules.py", "packages.py", *_inside()]):
        with open(os.path.join(_HERE, name), "rb") as stream:
            digest.update(f"{name}\n".encode() + stream.read())
    return digest.hexdigest()[:16]


def _inside() -> list[str]:
    names = os.listdir(os.path.join(_HERE, "inside"))
    return [f"inside/{name}" for name in sorted(names) if name.startswith("init.") or name.endswith(".py")]


def _unpack(scratch: str) -> str:
    """Fetch hypervisor and kernel; the kernel's release."""
    kernel_name = packages.kernel_package()
    hypervisor, kernel = packages.download([HYPERVISOR, kernel_name], scratch)
    with packages.opened(hypervisor) as tar, open(os.path.join(scratch, "xen.gz"), "wb") as stream:
        for member in tar:
            source = tar.extractfile(member) if member.name.endswith("/xen-4.17-amd64.gz") else None
            if source is not None:
                shutil.copyfileobj(source, stream)
    return modules.unpack(kernel, scratch)


def assemble(scratch: str, release: str, tar: str) -> None:
    """Make `scratch`/finished out of what lies in `scratch` and in dom0's tar. Needs root, or fakeroot."""
    finished, root = os.path.join(scratch, "finished"), os.path.join(scratch, "root")
    for path in (finished, root):
        os.mkdir(path)
    with open(os.path.join(finished, "hypervisor"), "wb") as stream:
        stream.write(ext.run(["gzip", "-dc", os.path.join(scratch, "xen.gz")]))
    shutil.copy(os.path.join(scratch, "vmlinuz"), os.path.join(finished, "kernel"))
    source = os.path.join(scratch, "lib/modules", release)
    unread = [f"--exclude=./usr/share/{name}/*" for name in ("doc", "info", "locale", "man")]
    ext.run(["tar", "-C", root, "--numeric-owner", *unread, "-xpf", tar])
    shutil.copytree(source, os.path.join(root, "usr/lib/modules", release))
    for name in _inside():
        target = os.path.join(root, "lab", name if name.endswith(".py") else os.path.basename(name))
        target = target.replace("/lab/inside/", "/lab/lab/xen/inside/")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.join(_HERE, name), target)
    os.mkdir(os.path.join(root, "lab/guest"))
    shutil.copy(os.path.join(scratch, "vmlinuz"), os.path.join(root, "lab/guest/kernel"))
    with tarfile.open(tar) as system:
        with open(os.path.join(root, "lab/guest/initramfs"), "wb") as stream:
            _guest(stream_archive := Archive(stream), system)
            modules.add(stream_archive, source, _GUEST_MODULES)
            stream_archive.close()
        with open(os.path.join(finished, "initramfs"), "wb") as stream:
            archive = Archive(stream)
            archive.member(system, system.getmember("./usr/bin/busybox"), "bin/busybox")
            archive.file("init", _read("inside/init.disk"), 0o755)
            modules.add(archive, source, _DISK_MODULES)
            archive.close()
    disk = os.path.join(finished, "disk")
    with open(disk, "wb") as stream:
        stream.truncate(_SIZE)
    ext.make(disk, root, size=_SIZE)


def _guest(archive: Archive, system: tarfile.TarFile) -> None:
    """A guest's system: the files of its packages, compiled modules included, and the lab's agent."""
    for name in _MERGED:
        archive.directory(f"usr/{name}")
        archive.symlink(name, f"usr/{name}")
    wanted = set(_files_of(system, GUEST))
    for member in system:
        path = member.name.removeprefix("./")
        owned = path in wanted or _source(path) in wanted
        if owned and not path.startswith(_UNWANTED) and not member.isdir():
            archive.member(system, member, path)
    archive.symlink("usr/bin/python3", "python3.11")
    archive.symlink("usr/bin/sh", "busybox")
    archive.symlink("usr/sbin/modprobe", "../bin/busybox")
    for name in ("poweroff", "reboot"):  # what the kernel runs when control/shutdown says so
        archive.file(f"usr/sbin/{name}", f"#!/bin/sh\nexec /usr/bin/busybox {name} -f\n".encode(), 0o755)
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\n")
    archive.file("etc/hosts", b"127.0.0.1 localhost\n")
    for name in _inside():
        if name.endswith(".py"):
            archive.file(f"lab/lab/xen/{name}", _read(name))
    archive.file("init", _read("inside/init.guest"), 0o755)


def _files_of(system: tarfile.TarFile, names: list[str]) -> Iterator[str]:
    """Paths that packages and their dependencies own, with /bin, /lib and so on below usr/."""
    status = system.extractfile("./var/lib/dpkg/status")
    assert status is not None
    found = packages.closure(status.read().decode("utf-8", "replace"), names)
    prefix = "./var/lib/dpkg/info/"
    for member in system.getmembers():
        base = member.name.removeprefix(prefix)
        if base == member.name or not base.endswith(".list") or base[:-5].split(":")[0] not in found:
            continue
        listing = system.extractfile(member)
        assert listing is not None
        for line in listing.read().decode().splitlines():
            path = line.lstrip("/")
            yield f"usr/{path}" if path.split("/")[0] in _MERGED else path


def _source(path: str) -> str:
    """The module that a compiled file was made of; "" for other files."""
    directory, _, name = path.rpartition("/__pycache__/")
    return f"{directory}/{name.split('.')[0]}.py" if directory else ""


def _read(name: str) -> bytes:
    with open(os.path.join(_HERE, name), "rb") as stream:
        return stream.read()


def main() -> None:
    """Command line; with arguments it is the part of the build that needs root's view of owners."""
    if len(sys.argv) > 1:
        assemble(*sys.argv[1:])
    else:
        print(os.path.dirname(build().disk))


if __name__ == "__main__":
    main()
