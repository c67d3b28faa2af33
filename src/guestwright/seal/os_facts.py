"""Read the guest's operating system, init system and SELinux state from its files."""

from __future__ import annotations

from typing import Final

from guestwright.guestfs import os_release
from guestwright.guestfs.errors import GuestFSError
from guestwright.guestfs.port import FileKind, GuestFS
from guestwright.seal import distribution
from guestwright.seal.guest import OperatingSystem, SELinux

_LIMIT: Final = 64 << 10
_LEGACY: Final = (  # for guests older than os-release: file, ID
    ("/etc/debian_version", "debian"),
    ("/etc/redhat-release", "rhel"),
    ("/etc/SuSE-release", "sles"),
    ("/etc/alpine-release", "alpine"),
    ("/etc/arch-release", "arch"),
    ("/etc/gentoo-release", "gentoo"),
)
_SYSTEMD: Final = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")


def read_os(fs: GuestFS) -> OperatingSystem:
    """Describe the operating system; what cannot be read stays empty."""
    facts = os_release.parse(_text(fs, "/etc/os-release") or _text(fs, "/usr/lib/os-release"))
    os_id = facts.get("ID", "").lower() or _legacy_id(fs)
    id_like = tuple(facts.get("ID_LIKE", "").lower().split())
    version = facts.get("VERSION_ID", "") or _legacy_version(fs, os_id)
    os_family = distribution.family(os_id, id_like)
    first = OperatingSystem(id=os_id, version=version)
    return OperatingSystem(
        id=os_id,
        id_like=id_like,
        version=version,
        pretty_name=facts.get("PRETTY_NAME", "") or os_id or "unknown Linux",
        family=os_family,
        package_manager=distribution.package_manager(os_family, os_id, first.major),
        package_format=distribution.package_format(os_family),
        init=_init(fs),
        hostname=_text(fs, "/etc/hostname").strip().split("\n", 1)[0].strip(),
    )


def read_selinux(fs: GuestFS) -> SELinux:
    """SELinux is in use when its policy loader and its configuration are there (virt-customize's rule)."""
    config = _text(fs, "/etc/selinux/config")
    if not config or not (_is_file(fs, "/usr/sbin/load_policy") or _is_file(fs, "/sbin/load_policy")):
        return SELinux()
    values = os_release.parse(config)
    mode = values.get("SELINUX", "enforcing").lower()
    policy = values.get("SELINUXTYPE", "targeted")
    if "/" in policy or policy in {"", ".", ".."}:
        policy = "targeted"
    return SELinux(in_use=True, mode=mode, policy=policy)


def _init(fs: GuestFS) -> str:
    if any(_is_file(fs, path) for path in _SYSTEMD):
        target = _final_init(fs)
        return "systemd" if not target or "systemd" in target else "sysvinit"
    if _is_file(fs, "/sbin/openrc") or _is_file(fs, "/usr/sbin/openrc") or _is_file(fs, "/sbin/openrc-init"):
        return "openrc"
    if _is_file(fs, "/sbin/runit-init") or _is_file(fs, "/usr/bin/runit-init") or _is_file(fs, "/bin/runit"):
        return "runit"
    if _is_file(fs, "/sbin/initctl") and not _is_file(fs, "/etc/inittab"):
        return "upstart"
    return "sysvinit" if _is_file(fs, "/sbin/init") or _is_file(fs, "/etc/inittab") else ""


def _final_init(fs: GuestFS) -> str:
    try:
        return fs.resolve("/sbin/init")
    except GuestFSError:
        return ""


def _legacy_id(fs: GuestFS) -> str:
    return next((os_id for path, os_id in _LEGACY if _is_file(fs, path)), "")


def _legacy_version(fs: GuestFS, os_id: str) -> str:
    if os_id == "debian":
        return _text(fs, "/etc/debian_version").strip()
    if os_id == "rhel":
        words = _text(fs, "/etc/redhat-release").split()
        return next((word for word in words if word[:1].isdigit()), "")
    return ""


def _is_file(fs: GuestFS, path: str) -> bool:
    try:
        return fs.stat(path).kind is FileKind.FILE
    except GuestFSError:
        return False


def _text(fs: GuestFS, path: str) -> str:
    try:
        return fs.read(path, limit=_LIMIT).decode("utf-8", "surrogateescape")
    except GuestFSError:
        return ""
