"""From os-release to what operations ask: family, package manager, init. Tables, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FAMILIES: Final[Mapping[str, str]] = {
    "debian": "debian", "ubuntu": "debian", "kali": "debian", "raspbian": "debian", "linuxmint": "debian",
    "devuan": "debian", "pop": "debian", "astra": "debian",
    "fedora": "rhel", "rhel": "rhel", "centos": "rhel", "rocky": "rhel", "almalinux": "rhel", "ol": "rhel",
    "scientific": "rhel", "amzn": "rhel", "eurolinux": "rhel", "openeuler": "rhel", "anolis": "rhel",
    "kylin": "rhel", "neokylin": "rhel", "xcp-ng": "rhel", "virtuozzo": "rhel", "azurelinux": "rhel",
    "sles": "suse", "sled": "suse", "opensuse": "suse", "opensuse-leap": "suse",
    "opensuse-tumbleweed": "suse", "suse": "suse", "sle-micro": "suse", "sl-micro": "suse",
    "opensuse-microos": "suse",
    "arch": "arch", "archarm": "arch", "manjaro": "arch", "endeavouros": "arch",
    "alpine": "alpine", "gentoo": "gentoo", "void": "void", "altlinux": "alt", "mageia": "mageia",
    "flatcar": "flatcar", "cirros": "cirros",
}  # fmt: skip
"""os-release ID (or an ID_LIKE word) to family; os-release(5)."""

_FORMATS: Final[Mapping[str, str]] = {
    "debian": "deb", "rhel": "rpm", "suse": "rpm", "alt": "rpm", "mageia": "rpm", "arch": "pacman",
    "alpine": "apk", "gentoo": "ebuild", "void": "xbps",
}  # fmt: skip

_MANAGERS: Final[Mapping[str, str]] = {
    "debian": "apt", "alt": "apt", "suse": "zypper", "arch": "pacman", "alpine": "apk", "gentoo": "portage",
    "void": "xbps", "mageia": "dnf",
}  # fmt: skip

_DNF_SINCE: Final[Mapping[str, int]] = {"fedora": 22, "rhel": 8}


def family(os_id: str, id_like: tuple[str, ...]) -> str:
    """The family of a distribution; "" when unknown.

    Args:
        os_id: ID of os-release, lower case.
        id_like: ID_LIKE of os-release, nearest first.
    """
    for word in (os_id, *id_like):
        found = _FAMILIES.get(word)
        if found:
            return found
    return ""


def package_format(os_family: str) -> str:
    """Name of the package format ("deb", "rpm"), or "" when unknown."""
    return _FORMATS.get(os_family, "")


def package_manager(os_family: str, os_id: str, major: int) -> str:
    """The package manager that virt-sysprep's operations go by: dnf since Fedora 22 and RHEL 8.

    Args:
        os_family: from `family`.
        os_id: os-release ID.
        major: leading number of VERSION_ID; 0 means rolling or unknown and counts as new.
    """
    if os_family == "rhel":
        since = _DNF_SINCE["fedora" if os_id == "fedora" else "rhel"]
        return "dnf" if major == 0 or major >= since else "yum"
    return _MANAGERS.get(os_family, "")
