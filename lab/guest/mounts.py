"""A guest that mounts images and says what is in them.

Theory of operation: each image is a disk with a serial number, by which the guest finds it. Another disk
holds an ext4 with the trees as they should be. The guest's first process works through a list of mounts: it
reports every folder, every file with its size and (if asked) SHA-256, and where the list names a reference it
compares every byte of every file of it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lab import ext
from lab.guest import machine
from lab.guest.parts import initramfs, parts

_MODULES: Final = (
    *("virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4", "isofs", "vfat"),
    *("nls_ascii", "nls_cp437", "nls_utf8"),
)
_LARGE: Final = 100_000_000  # bytes
_INIT: Final = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /reference /medium
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in {" ".join(_MODULES)}; do modprobe "$module"; done
device() {{
    tries=0
    while [ "$tries" -lt 100 ]; do
        for disk in /sys/block/vd*; do
            [ "$(cat "$disk/serial")" = "$1" ] && echo "/dev/${{disk##*/}}" && return
        done
        tries=$((tries + 1)); sleep 0.1
    done
}}
compare() {{ # small files by cmp of diffutils; a large one by a program of ours, for cmp takes minutes here
    cd "/reference/$1" || return
    find . -type f | while IFS= read -r file; do
        [ "$(stat -c %s "$file")" -lt {_LARGE} ] && tool=/usr/bin/cmp || tool=/same
        if "$tool" "$file" "/medium/$file" >/tmp/said 2>&1; then echo same
        else echo "differs $(cat /tmp/said)"; fi
    done
    cd /
}}
for queue in /sys/block/vd*/queue; do echo 4096 >"$queue/read_ahead_kb"; done
while [ ! -e /dev/vport*p1 ]; do sleep 0.1; done
exec 3>"$(echo /dev/vport*p1)"
mount -t ext4 -o ro,noload "$(device reference)" /reference || echo "LAB: no reference"
while IFS='|' read -r name serial type options sums reference; do
    echo "mount $name" >&3
    mount -t "$type" -o "ro,$options" "$(device "$serial")" /medium >/tmp/said 2>&1 ||
        {{ echo "differs $(cat /tmp/said)" >&3; continue; }}
    cd /medium
    find . -mindepth 1 -type d | sed 's/^/folder /' >&3
    find . -type f -exec stat -c 'file %s %n' {{}} + >&3
    [ "$sums" = yes ] && find . -type f -exec sha256sum {{}} + | sed 's/^/sum /' >&3
    cd /
    [ -n "$reference" ] && compare "$reference" >&3
    read -r uptime _ </proc/uptime
    echo "end $uptime" >&3
    umount /medium
done </plan
echo {machine.END} >&3
exec 3>&-
sleep 0.2
poweroff -f
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mount.

    Attributes:
        name: for the report.
        image: a key of the images.
        kind: of filesystem: "iso9660" or "vfat".
        options: of mount, joined by commas.
        sums: whether every file is read for its SHA-256.
        reference: folder of the reference whose files are compared; "" for none.
    """

    name: str
    image: str
    kind: str
    options: str
    sums: bool = True
    reference: str = ""

    def line(self) -> str:
        """As the guest reads it."""
        sums = "yes" if self.sums else "no"
        words = (self.name, self.image, self.kind, self.options, sums, self.reference)
        return "|".join(words) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a mount showed.

    Attributes:
        folders: paths, without the root. `sizes`: path to bytes. `sums`: path to SHA-256 in hexadecimal.
        same: how many files of the reference `cmp` found equal. `differs`: what was said of others.
        complete: when the guest came to the end of it, in seconds since it started; empty if it did not.
    """

    folders: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    complete: list[str] = field(default_factory=list)


def visit(
    images: Mapping[str, str], reference: str, mounts: Sequence[Mount], *, deadline: float
) -> tuple[dict[str, Seen], float]:
    """Boot, mount and compare.

    Args:
        images: name (at most 20 characters) to path.
        reference: path of an ext4 image.
        mounts: what to do.
        deadline: seconds.

    Returns:
        What each mount showed, by its name; and the seconds that all took.

    Raises:
        lab.guest.machine.GuestFailed: the guest said nothing.
    """
    found = parts()
    with tempfile.TemporaryDirectory(prefix="lab-mounts-") as scratch:
        archive = os.path.join(scratch, "initramfs")
        plan = "".join(one.line() for one in mounts).encode()
        files = {"init": _INIT.encode(), "plan": plan, "same": _same(scratch)}
        initramfs(archive, found, _MODULES, files)
        devices: list[str] = []
        for serial, path in {**images, "reference": reference}.items():
            drive = f"if=none,id={serial},file={path},format=raw,read-only=on"
            devices += ["-drive", drive, "-device", f"virtio-blk-pci,drive={serial},serial={serial}"]
        report = machine.run(
            kernel=found.kernel, initramfs=archive, devices=devices, memory=512, deadline=deadline
        )
    return parse(report.text), report.seconds


def _same(scratch: str) -> bytes:
    program = os.path.join(scratch, "same")
    ext.run(["gcc", "-O2", "-o", program, os.path.join(os.path.dirname(__file__), "same.c")])
    with open(program, "rb") as stream:
        return stream.read()


def parse(text: str) -> dict[str, Seen]:
    """Make sense of the guest's lines."""
    seen: dict[str, Seen] = {}
    one = Seen()
    for line in text.split("\n"):
        kind, _, rest = line.partition(" ")
        match kind:
            case "mount":
                one = seen[rest] = Seen()
            case "folder":
                one.folders.add(rest[1:])
            case "file":
                size, _, path = rest.partition(" ")
                one.sizes[path[1:]] = int(size)
            case "sum":
                one.sums[rest[67:]] = rest[:64]
            case "same":
                one.same.append(rest)
            case "differs":
                one.differs.append(rest)
            case "end":
                one.complete.append(rest)
    return seen
