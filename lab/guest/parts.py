"""What small guests are made of, out of Debian's packages: a kernel, its modules, busybox and cmp.

Theory of operation: the packages are fetched once and unpacked below var/cache. Every guest gets an initramfs
of its own with the modules it needs, so that it boots in seconds by emulation. The kernel is Debian's full
one: its sister for clouds has no driver for floppies.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lab import debian, ext
from lab.xen import modules, packages
from lab.xen.cpio import Archive

_MODULES: Final = (
    "arch/x86/crypto",
    "crypto",
    "drivers/ata",
    "drivers/block/floppy.ko",
    "drivers/block/virtio_blk.ko",
    "drivers/cdrom",
    "drivers/char/virtio_console.ko",
    "drivers/scsi/scsi_common.ko",
    "drivers/scsi/scsi_mod.ko",
    "drivers/scsi/sr_mod.ko",
    "drivers/virtio",
    "fs",
    "lib",
)
_PROGRAMS: Final = {
    "busybox-static": ("bin/busybox",),
    "diffutils": ("usr/bin/cmp",),
    "libc6": ("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6"),
}
_LOADER: Final = "lib64/ld-linux-x86-64.so.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the parts lie: the kernel, its modules (lib/modules/RELEASE), and the programs' folder."""

    kernel: str
    modules: str
    programs: str


def parts() -> Parts:
    """The parts; fetched when the cache has none for this recipe (seconds).

    Raises:
        lab.ext.ToolFailed: apt or dpkg said no.
    """
    key = hashlib.sha256(repr((_MODULES, _PROGRAMS)).encode()).hexdigest()[:16]
    directory = os.path.join(debian.cache_directory(), f"guest-{key}")
    if not os.path.exists(directory):
        with tempfile.TemporaryDirectory(prefix="lab-guest-", dir=debian.cache_directory()) as scratch:
            made = os.path.join(scratch, "parts")
            os.mkdir(made)
            kernel, *others = packages.download([packages.kernel_package(), *_PROGRAMS], scratch)
            modules.unpack(kernel, made, _MODULES)
            for deb, paths in zip(others, _PROGRAMS.values(), strict=True):
                _take(deb, paths, os.path.join(made, "programs"))
            if not os.path.exists(directory):
                os.rename(made, directory)
    (release,) = os.listdir(os.path.join(directory, "lib/modules"))
    return Parts(
        kernel=os.path.join(directory, "vmlinuz"),
        modules=os.path.join(directory, "lib/modules", release),
        programs=os.path.join(directory, "programs"),
    )


def initramfs(out: str, found: Parts, names: Iterable[str], files: Mapping[str, bytes]) -> None:
    """Write an initramfs with busybox, cmp and some modules.

    Args:
        out: path of the archive.
        found: the parts.
        names: of modules; what they depend on comes along.
        files: path to contents; they are executable. One of them is "init".
    """
    with open(out, "wb") as stream:
        archive = Archive(stream)
        modules.add(archive, found.modules, names)
        for path in (path for paths in _PROGRAMS.values() for path in paths):
            target = f"usr/{path}" if path.startswith("lib/") else path  # /lib is a link
            with open(os.path.join(found.programs, path), "rb") as program:
                archive.file(target, program.read(), 0o755)
        archive.symlink(_LOADER, "../usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
        for path, content in files.items():
            archive.file(path, content, 0o755)
        archive.close()


def _take(deb: str, paths: Iterable[str], directory: str) -> None:
    wanted = set(paths)
    with packages.opened(deb) as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            source = tar.extractfile(member) if path in wanted else None
            if source is not None:
                target = os.path.join(directory, path)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as stream:
                    shutil.copyfileobj(source, stream)
                wanted.remove(path)
    if wanted:
        raise ext.ToolFailed(f"{deb}: holds no {', '.join(sorted(wanted))}")
