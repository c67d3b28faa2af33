"""Whole disks and mounted file systems: /sys/block, mountinfo, statvfs."""

from __future__ import annotations

import os

from guestwright.agent.core.facts import Disk, Filesystem

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.unix.files import Files

_NO_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd")
_NO_KINDS = frozenset(("squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs", "swap"))
_SECTOR = 512  # bytes, whatever the disk's own sectors are
_VBD = "device/vbd/"
_DISKS_MAX = 64
_MOUNTS_MAX = 1024


def disks(files: Files) -> tuple[Disk, ...]:
    """The disks with anything in them."""
    found: list[Disk] = []
    for name in files.names("/sys/block"):
        directory = f"/sys/block/{name}"
        size = None if name.startswith(_NO_DISKS) else files.number(f"{directory}/size")
        if not size or len(found) >= _DISKS_MAX:
            continue
        node = files.text(f"{directory}/device/nodename", 64)
        number = node[len(_VBD) :]
        serial = files.text(f"{directory}/serial", 128) or files.text(f"{directory}/device/serial", 128)
        is_vbd = node.startswith(_VBD) and number.isdigit() and number.isascii()
        found.append(Disk(name=name, size=size * _SECTOR, serial=serial, vbd=int(number) if is_vbd else None))
    return tuple(found)


def filesystems(files: Files) -> tuple[Filesystem, ...]:
    """The mounted file systems on local block devices, each once, in order of their first mount.

    Those that are read-only by nature are left out, as are those in which statvfs could wait for others
    (network, FUSE): their sources are no paths below /dev.
    """
    mounts: dict[str, tuple[str, list[str]]] = {}
    for line in files.data("/proc/self/mountinfo", 1 << 18).split(b"\n")[:_MOUNTS_MAX]:
        words = line.split()
        if b"-" not in words[6:]:
            continue
        dash = words.index(b"-", 6)
        kind, source = (_plain(one) for one in [*words[dash + 1 :], b"", b""][:2])
        if source.startswith("/dev/") and kind not in _NO_KINDS and not kind.startswith("fuse."):
            mounts.setdefault(source, (kind, []))[1].append(_plain(words[4]))
    ids, labels = _by("uuid", files), _by("label", files)
    found = []
    for source, (kind, places) in mounts.items():
        places.sort(key=len)
        device = _target(source, files)
        try:
            state = os.statvfs(files.path(places[0]))
        except OSError:
            continue
        found.append(
            Filesystem(
                device=source,
                kind=kind,
                size=state.f_blocks * state.f_frsize,
                free=state.f_bavail * state.f_frsize,
                mounts=tuple(places),
                uuid=ids.get(device, ""),
                label=labels.get(device, ""),
            )
        )
    return tuple(found)


def _by(what: str, files: Files) -> dict[str, str]:
    """Device name ("xvda1", "dm-0") to UUID or label, from udev's links."""
    directory = f"/dev/disk/by-{what}"
    return {
        files.link(f"{directory}/{name}").rpartition("/")[2]: name.replace("\\x20", " ")
        for name in files.names(directory)
    }


def _target(source: str, files: Files) -> str:
    return (files.link(source) or source).rpartition("/")[2]


def _plain(word: bytes) -> str:
    """A word of mountinfo without its octal escapes (proc(5))."""
    head, *rest = word.split(b"\\")
    parts = [head]
    for one in rest:
        code = one[:3]
        octal = len(code) == 3 and all(48 <= digit < 56 for digit in code) and code < b"4"
        parts.append(bytes((int(code, 8),)) + one[3:] if octal else b"\\" + one)
    return b"".join(parts).decode("utf-8", "surrogateescape")
