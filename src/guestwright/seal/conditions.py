"""Conditions on a guest that operations are built with: each answers why not, or "" when it applies."""

from __future__ import annotations

from guestwright.seal.guest import Guest
from guestwright.seal.operation import Condition


def always(guest: Guest) -> str:
    """Every guest."""
    del guest
    return ""


def linux(guest: Guest) -> str:
    """Linux only."""
    return "" if guest.os.type == "linux" else "for Linux guests only"


def unix(guest: Guest) -> str:
    """Everything but Windows."""
    return "" if guest.os.type != "windows" else "not for Windows guests"


def family(*names: str) -> Condition:
    """Linux of one of these families.

    Args:
        *names: values of `OperatingSystem.family`. Families come from ID and ID_LIKE, so "rhel" takes in
            Rocky Linux and AlmaLinux, which virt-sysprep's lists of names forget.
    """

    def check(guest: Guest) -> str:
        if guest.os.type == "linux" and guest.os.family in names:
            return ""
        return f"for the {' and '.join(names)} families only"

    return check


def package_manager(*names: str) -> Condition:
    """Guests with one of these package managers."""

    def check(guest: Guest) -> str:
        return "" if guest.os.package_manager in names else f"for guests with {' or '.join(names)} only"

    return check


def package_format(name: str) -> Condition:
    """Guests with packages of this format."""

    def check(guest: Guest) -> str:
        return "" if guest.os.package_format == name else f"for guests with {name} packages only"

    return check


def has_lvm(guest: Guest) -> str:
    """Linux with logical volumes, behind a driver that can rewrite their labels.

    Only the appliance driver runs LVM's own tools; the others cannot open logical volumes at all.
    """
    if guest.os.type != "linux":
        return "for Linux guests only"
    found = any(one.id.startswith("lvm:") or one.type == "LVM2_member" for one in guest.filesystems)
    return "" if found else "no logical volumes on these disks"
