"""Builds real Debian 12 disk images from Debian's packages: no mounts, no loop devices, no virtual machine.

    python lab/debian.py OUT [--profile demo|server|bench] [--size 4G] [--format raw|qcow2]
                             [--layout single|boot|bare] [--cloud-init] [--clean] [--report] [--keygen]

Theory of operation: mmdebstrap makes a tar of the installed system (kept under var/cache: done once); the
tar is unpacked into a scratch directory, dirtied (`lab.artefacts`), and turned into filesystems by `mke2fs
-d`, which are written straight into their places in a GPT disk. Without root the same runs under fakeroot.
There is no boot loader: `tests/support/boot.py` takes kernel and initrd out of the image.

The same options give the same tree, UUIDs and partition table. Two tars built on different days differ in
package versions and in the SSH host keys that the package's own script makes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import ext, units
from lab.artefacts import Item, artefacts, plant
from lab.items.systems import accounts

_MIB = 1 << 20
_EPOCH = "1709287872"
_DISK_ID = "D15C0000-0000-4000-8000-000000000000"
_LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"  # GPT type "Linux filesystem data"
_BOOT_UUID = "b0b0b0b0-0000-4000-8000-000000000000"
_BOOT_MIB = 256

_SMALL = ["systemd", "systemd-sysv", "openssh-server"]
_SERVER = [
    *_SMALL,
    "dbus",
    "linux-image-cloud-amd64",
    "ifupdown",
    "isc-dhcp-client",
    "iproute2",
    "cron",
    "at",
    "rsyslog",
    "logrotate",
    "sudo",
    "vim-tiny",
    "less",
    "man-db",
    "python3",
    "git",
    "curl",
    "rsync",
    "ca-certificates",
    "netbase",
    "locales",
    "tzdata",
    "udev",
    "e2fsprogs",
    "perl",
]
PROFILES = {
    "demo": _SMALL,
    "server": _SERVER,
    "agents": [*_SERVER, "qemu-guest-agent"],
    "bench": [
        *_SERVER,
        "build-essential",
        "manpages-dev",
        "python3-dev",
        "vim",
        "nginx-light",
        "postgresql-client",
        "libicu-dev",
    ],
}
"""Packages of each kind of image: about 10, 18, 18 and 28 thousand inodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to build.

    Attributes:
        profile: a key of `PROFILES`.
        size: of the disk in bytes.
        format: "raw" or "qcow2".
        layout: "single" (one partition), "boot" (ext2 /boot and ext4 /), "bare" (no partition table).
        cloud_init: install cloud-init.
        dirty: plant the artefacts of `lab.artefacts`.
        report: install the unit that tells the serial console who the machine is, and powers it off.
        keygen: install a unit that makes missing SSH host keys at boot.
    """

    profile: str = "demo"
    size: int = 1 << 30
    format: str = "raw"
    layout: str = "single"
    cloud_init: bool = False
    dirty: bool = True
    report: bool = False
    keygen: bool = False

    @property
    def packages(self) -> list[str]:
        """Packages to install."""
        return [*PROFILES[self.profile], *(["cloud-init"] if self.cloud_init else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image that was built. `offset`: byte where its root filesystem starts; `inodes`: used there."""

    path: str
    format: str
    offset: int
    inodes: int
    seconds: float


def cache_directory() -> str:
    """Where tars are kept: var/cache of the checkout, or $LAB_CACHE."""
    default = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "var", "cache")
    path = os.environ.get("LAB_CACHE", default)
    os.makedirs(path, exist_ok=True)
    return path


def base_tar(packages: Sequence[str]) -> str:
    """The tar of an installed Debian 12 with these packages; built when the cache has none."""
    key = hashlib.sha256("\n".join(["bookworm minbase", *sorted(packages)]).encode()).hexdigest()[:16]
    path = os.path.join(cache_directory(), f"debian-{key}.tar")
    if not os.path.exists(path):
        part = f"{path}.{os.getpid()}.part"
        argv = [
            "mmdebstrap",
            "--quiet",
            "--mode=auto",
            "--format=tar",
            "--variant=minbase",
            f"--include={','.join(packages)}",
            "bookworm",
            part,
        ]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH, "LC_ALL": "C.UTF-8"}
        subprocess.run(argv, check=True, env=environment, stdin=subprocess.DEVNULL)
        os.rename(part, path)
    return path


def build(out: str, recipe: Recipe) -> Built:
    """Build one image; `out` is replaced. Needs root or fakeroot around it (`main` sees to that)."""
    start = time.monotonic()
    tar = base_tar(recipe.packages)
    with tempfile.TemporaryDirectory(
        prefix="lab-debian-", dir=os.path.dirname(os.path.abspath(out))
    ) as scratch:
        root = os.path.join(scratch, "root")
        os.mkdir(root)
        ext.run(["tar", "-C", root, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf", tar])
        items = furnish(root, recipe)
        raw = os.path.join(scratch, "disk")
        with open(raw, "wb") as stream:
            stream.truncate(recipe.size)
        offset = _fill(raw, root, recipe)
        ext.set_xattrs(raw, items, offset=offset)
        head = ext.header(raw, offset=offset)
        if recipe.format == "qcow2":
            ext.run(["qemu-img", "convert", "-O", "qcow2", raw, out])
        else:
            os.replace(raw, out)
    inodes = int(head["Inode count"]) - int(head["Free inodes"])
    return Built(
        path=out, format=recipe.format, offset=offset, inodes=inodes, seconds=time.monotonic() - start
    )


def furnish(root: str, recipe: Recipe) -> list[Item]:
    """Make a machine of an unpacked system: fstab, hostname, units, artefacts. What was planted."""
    fstab = f"UUID={ext.UUID} / ext4 defaults 0 1\n"
    if recipe.layout == "boot":
        fstab += f"UUID={_BOOT_UUID} /boot ext2 defaults 0 2\n"
    items = [
        Item(path="/etc/fstab", content=fstab.encode()),
        Item(path="/etc/hosts", content=b"127.0.0.1 localhost\n127.0.1.1 clone-me.example.com clone-me\n"),
        *(units.report() if recipe.report else []),
        *(units.keygen() if recipe.keygen else []),
    ]
    if recipe.dirty:
        with open(os.path.join(root, "etc/passwd"), encoding="utf-8") as stream:
            items += accounts(stream.read())
        real_keys = recipe.profile != "demo"  # a machine that is to boot needs keys that sshd can read
        items += [item for item in artefacts() if not (real_keys and item.op == "ssh-hostkeys")]
    else:
        items.append(Item(path="/etc/hostname", content=b"clone-me\n"))
    plant(root, items)
    return items


def _fill(raw: str, root: str, recipe: Recipe) -> int:
    """Partition a disk and write the filesystems; the offset of the root filesystem in bytes."""
    if recipe.layout == "bare":
        ext.make(raw, root, size=recipe.size)
        return 0
    first = _MIB
    table = f"label: gpt\nlabel-id: {_DISK_ID}\nfirst-lba: 2048\n"
    if recipe.layout == "boot":
        table += f"start=2048, size={_BOOT_MIB * 2048}, type={_LINUX}, uuid={_part_uuid(1)}, name=boot\n"
        first += _BOOT_MIB * _MIB
    size = recipe.size - first - _MIB
    number = 2 if recipe.layout == "boot" else 1
    table += (
        f"start={first // 512}, size={size // 512}, type={_LINUX}, uuid={_part_uuid(number)}, name=root\n"
    )
    ext.run(["sfdisk", "-q", "--no-reread", "--no-tell-kernel", raw], stdin=table.encode())
    if recipe.layout == "boot":
        boot = root + "-boot"
        os.rename(os.path.join(root, "boot"), boot)
        os.mkdir(os.path.join(root, "boot"), 0o755)
        ext.make(raw, boot, size=_BOOT_MIB * _MIB, kind="ext2", offset=_MIB, uuid=_BOOT_UUID)
    ext.make(raw, root, size=size, offset=first)
    return first


def _part_uuid(number: int) -> str:
    return f"9A27{number:04d}-0000-4000-8000-000000000000"


def _bytes(text: str) -> int:
    units_of = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units_of[text[-1]] if text[-1] in units_of else int(text)


def main(argv: Sequence[str]) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lab/debian.py", description="Build a Debian 12 disk image.")
    parser.add_argument("out")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="demo")
    parser.add_argument("--size", type=_bytes, default=1 << 30, help="bytes, or with K, M, G (default 1G)")
    parser.add_argument("--format", choices=["raw", "qcow2"], default="raw")
    parser.add_argument("--layout", choices=["single", "boot", "bare"], default="single")
    parser.add_argument("--cloud-init", action="store_true")
    parser.add_argument("--clean", action="store_true", help="plant no artefacts")
    parser.add_argument(
        "--report", action="store_true", help="tell the serial console who the machine is, power off"
    )
    parser.add_argument("--keygen", action="store_true", help="make missing SSH host keys at boot")
    args = parser.parse_args(argv)
    recipe = Recipe(
        profile=args.profile,
        size=args.size,
        format=args.format,
        layout=args.layout,
        cloud_init=args.cloud_init,
        dirty=not args.clean,
        report=args.report,
        keygen=args.keygen,
    )
    if os.geteuid() != 0:
        base_tar(recipe.packages)  # mmdebstrap brings its own namespaces and cannot run below fakeroot
        if shutil.which("fakeroot") is None:
            raise SystemExit("lab/debian.py: needs root, or the package fakeroot")
        os.execvp("fakeroot", ["fakeroot", sys.executable, os.path.abspath(__file__), *argv])
    built = build(args.out, recipe)
    print(
        json.dumps(
            {
                "path": built.path,
                "offset": built.offset,
                "inodes": built.inodes,
                "seconds": round(built.seconds, 1),
                "allocated": os.stat(built.path).st_blocks * 512,
            }
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
