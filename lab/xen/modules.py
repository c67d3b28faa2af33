"""Takes kernel, and a choice of its modules, out of Debian's kernel package."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterable, Sequence

from lab import ext
from lab.xen import packages
from lab.xen.cpio import Archive

KEPT = (
    "arch/x86/crypto",
    "crypto",
    "drivers/ata/ata_piix.ko",
    "drivers/ata/libata.ko",
    "drivers/block",
    "drivers/cdrom",
    "drivers/char/hw_random",
    "drivers/char/virtio_console.ko",
    "drivers/net/bonding",
    "drivers/net/dummy.ko",
    "drivers/net/net_failover.ko",
    "drivers/net/tun.ko",
    "drivers/net/virtio_net.ko",
    "drivers/net/xen-netback",
    "drivers/net/xen-netfront.ko",
    "drivers/scsi/scsi_common.ko",
    "drivers/scsi/scsi_mod.ko",
    "drivers/scsi/sr_mod.ko",
    "drivers/virtio",
    "drivers/xen",
    "fs",
    "lib",
    "net/802",
    "net/8021q",
    "net/bridge",
    "net/core",
    "net/llc",
    "net/tls",
)
"""What a Xen host gets of a kernel's modules: below lib/modules/*/kernel."""


def unpack(deb: str, directory: str, kept: Sequence[str] = KEPT) -> str:
    """Unpack `directory`/vmlinuz and the kept modules, with their index; the kernel's release.

    Args:
        deb: path of a linux-image package.
        directory: gets "vmlinuz" and "lib/modules".
        kept: files and folders below lib/modules/*/kernel.
    """
    release = ""
    with packages.opened(deb) as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            if path.startswith("boot/vmlinuz-"):
                release = path.removeprefix("boot/vmlinuz-")
                _copy(tar, member, os.path.join(directory, "vmlinuz"))
            elif member.isfile() and path.startswith("lib/modules/") and _kept(path, kept):
                _copy(tar, member, os.path.join(directory, path))
    if not release:
        raise ext.ToolFailed(f"{deb}: holds no kernel")
    ext.run(["depmod", "-b", directory, release])
    return release


def with_dependencies(index: str, names: Iterable[str]) -> list[str]:
    """Paths of modules and of all that they depend on, as in modules.dep.

    Args:
        index: text of modules.dep.
        names: of modules, with "-" or "_"; names that the index lacks are built into the kernel.
    """
    needs: dict[str, list[str]] = {}
    for line in index.splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()
    by_name = {os.path.basename(path).partition(".")[0].replace("-", "_"): path for path in needs}
    found: set[str] = set()
    for name in names:
        found_path = by_name.get(name.replace("-", "_"))
        if found_path is not None:
            found |= {found_path, *needs[found_path]}
    return sorted(found)


def add(archive: Archive, source: str, names: Iterable[str]) -> None:
    """Put modules, and all that they depend on, into an initramfs, where modprobe finds them.

    Args:
        archive: gets usr/lib/modules/RELEASE.
        source: lib/modules/RELEASE as `unpack` left it.
        names: of modules.
    """
    release = os.path.basename(source)
    with open(os.path.join(source, "modules.dep"), encoding="ascii") as text:
        index = text.read()
    chosen = with_dependencies(index, names)
    listed = [line for line in index.splitlines() if line.partition(":")[0] in chosen]
    for path in chosen:
        with open(os.path.join(source, path), "rb") as stream:
            archive.file(f"usr/lib/modules/{release}/{path}", stream.read())
    archive.file(f"usr/lib/modules/{release}/modules.dep", "".join(f"{one}\n" for one in listed).encode())
    if "lib" not in archive:
        archive.symlink("lib", "usr/lib")


def _kept(path: str, kept: Sequence[str]) -> bool:
    below = path.split("/", 3)[3]  # behind lib/modules/RELEASE/
    if below.startswith("modules."):
        return True
    inner = below.removeprefix("kernel/")
    return any(inner == one or inner.startswith(one + "/") for one in kept)


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: str) -> None:
    source = tar.extractfile(member)
    assert source is not None
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as stream:
        shutil.copyfileobj(source, stream)
