"""Looks at this machine: tools, libraries, rights. Nothing is started or changed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Final

from guestwright.base.record import record

_TOOL_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin"  # Debian keeps e2fsck where a user's PATH does not look
_PYTHON: Final = (3, 11)
_LSM: Final = "/sys/kernel/security/lsm"
_LIBVIRT_SOCKETS: Final = (
    "/run/libvirt/libvirt-sock",
    "/run/libvirt/virtqemud-sock",
    "/run/libvirt/virtxend-sock",
)


@record
class Finding:
    """What one look has found.

    Attributes:
        name: of what was looked for.
        found: whether it is there.
        needed: whether most of the program is useless without it.
        purpose: what it is for.
        detail: where it is, or why it does not do.
        remedy: how to get it; "" when it is there.
    """

    name: str
    found: bool
    needed: bool
    purpose: str
    detail: str = ""
    remedy: str = ""


def look() -> tuple[Finding, ...]:
    """All findings, in the order of their use."""
    return (_python(), *_tools(), *_libraries(), *_packages(), *_rights(), _built_in())


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    enough = sys.version_info >= _PYTHON
    return _finding(
        "python", version if enough else None, "everything", needed=True, remedy="Python 3.11 or later"
    )


def _tools() -> tuple[Finding, ...]:
    rows: tuple[tuple[str, bool, str, str], ...] = (
        ("e2fsck", True, "checks ext file systems after sealing", "apt install e2fsprogs"),
        ("tune2fs", True, "new UUIDs of ext file systems", "apt install e2fsprogs"),
        ("qemu-img", True, "disk images other than raw", "apt install qemu-utils"),
        ("qemu-nbd", True, "disk images other than raw", "apt install qemu-utils"),
        ("qemu-system-x86_64", False, "running machines on this host", "apt install qemu-system-x86"),
        ("virsh", False, "looking at libvirt's domains by hand", "apt install libvirt-clients"),
    )
    return tuple(
        _finding(name, which(name), purpose, needed=needed, remedy=remedy)
        for name, needed, purpose, remedy in rows
    )


def _libraries() -> tuple[Finding, ...]:
    sockets = [one for one in _LIBVIRT_SOCKETS if os.path.exists(one)]
    return (
        _finding(
            "libext2fs",
            _loaded("libext2fs.so.2"),
            "sealing ext2, ext3 and ext4",
            needed=True,
            remedy="apt install libext2fs2",
        ),
        _finding(
            "python3-libvirt",
            _module("libvirt"),
            "the service of a hypervisor host",
            needed=False,
            remedy="apt install python3-libvirt, or pip install 'guestwright[libvirt]'",
        ),
        _finding(
            "libvirt daemon",
            sockets[0] if sockets else None,
            "machines of a system libvirt",
            needed=False,
            remedy="apt install libvirt-daemon-system",
        ),
        _finding(
            "libguestfs",
            _module("guestfs"),
            "xfs, btrfs, LVM and RAID",
            needed=False,
            remedy="apt install python3-guestfs",
        ),
    )


def _packages() -> tuple[Finding, ...]:
    extras: Mapping[str, tuple[tuple[str, ...], str]] = {
        "client": (("h11",), "commands that ask an engine"),
        "host": (
            ("cryptography", "msgspec", "prometheus_client", "starlette", "uvicorn"),
            "`guestwright host serve`",
        ),
        "engine": (
            ("alembic", "argon2", "cryptography", "dbos", "psycopg", "sqlalchemy"),
            "`guestwright up`",
        ),
    }
    found = []
    for extra, (modules, purpose) in extras.items():
        missing = [one for one in modules if _module(one) is None]
        detail = None if missing else "installed"
        remedy = f"pip install 'guestwright[{extra}]' (missing: {', '.join(missing)})"
        found.append(_finding(f"guestwright[{extra}]", detail, purpose, needed=False, remedy=remedy))
    return tuple(found)


def _rights() -> tuple[Finding, ...]:
    root = "root" if os.geteuid() == 0 else None
    return (
        _finding(
            "confinement",
            "Landlock" if "landlock" in _read(_LSM).split(",") else root,
            "hostile guests: their data is parsed by a process that may nothing",
            needed=True,
            remedy="Linux 5.13 or later with Landlock (lsm=…,landlock), or run as root",
        ),
        _device("/dev/kvm", "running machines at full speed", "turn on virtualisation, join the group kvm"),
        _device("/dev/fuse", "checking large images without a copy", "modprobe fuse"),
        _finding(
            "root",
            root,
            "the service of a hypervisor host, images of others",
            needed=False,
            remedy="sudo, for these commands",
        ),
    )


def _built_in() -> Finding:
    return _finding(
        "CD and floppy images", "built in", "payloads; no genisoimage or mtools", needed=False, remedy=""
    )


def _device(path: str, purpose: str, remedy: str) -> Finding:
    usable = os.access(path, os.R_OK | os.W_OK)
    return _finding(path, "usable" if usable else None, purpose, needed=False, remedy=remedy)


def _finding(name: str, detail: str | None, purpose: str, *, needed: bool, remedy: str) -> Finding:
    there = detail is not None
    return Finding(
        name=name,
        found=there,
        needed=needed,
        purpose=purpose,
        detail=detail or "",
        remedy="" if there else remedy,
    )


def which(name: str, search: Callable[..., str | None] = shutil.which) -> str | None:
    """Path of a tool, also where only root's PATH looks; None when it is not there."""
    path = os.environ.get("PATH", os.defpath)
    return search(name, path=f"{path}:{_TOOL_PATH}")


def _module(name: str) -> str | None:
    return None if find_spec(name) is None else "installed"


def _loaded(name: str) -> str | None:
    import ctypes

    try:
        ctypes.CDLL(name)
    except OSError:
        return None
    return name


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(4096).strip()
    except OSError:
        return ""
