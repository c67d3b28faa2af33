from __future__ import annotations

import pytest

from guestwright.seal import distribution

CASES = [
    ("debian", (), 12, "debian", "apt", "deb"),
    ("ubuntu", ("debian",), 24, "debian", "apt", "deb"),
    ("rocky", ("rhel", "centos", "fedora"), 9, "rhel", "dnf", "rpm"),
    ("almalinux", ("rhel",), 8, "rhel", "dnf", "rpm"),
    ("centos", ("rhel",), 7, "rhel", "yum", "rpm"),
    ("centos", ("rhel",), 0, "rhel", "dnf", "rpm"),
    ("fedora", (), 21, "rhel", "yum", "rpm"),
    ("fedora", (), 40, "rhel", "dnf", "rpm"),
    ("opensuse-leap", ("suse",), 15, "suse", "zypper", "rpm"),
    ("arch", (), 0, "arch", "pacman", "pacman"),
    ("alpine", (), 3, "alpine", "apk", "apk"),
    ("mynewdistro", ("ubuntu", "debian"), 1, "debian", "apt", "deb"),
    ("unheard-of", (), 1, "", "", ""),
]


@pytest.mark.parametrize(("os_id", "like", "major", "family", "manager", "form"), CASES)
def test_table(os_id: str, like: tuple[str, ...], major: int, family: str, manager: str, form: str) -> None:
    found = distribution.family(os_id, like)
    assert found == family
    assert distribution.package_manager(found, os_id, major) == manager
    assert distribution.package_format(found) == form
