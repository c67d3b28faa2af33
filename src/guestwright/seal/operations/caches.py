"""Package managers' caches and databases of use to one machine only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, expand, rules
from guestwright.seal.tables import single

_CACHES: Final = {
    "apt": ("/var/cache/apt/archives",),
    "dnf": ("/var/cache/{dnf,libdnf5,yum}",),
    "yum": ("/var/cache/yum",),
    "zypper": ("/var/cache/zypp*",),
    "pacman": ("/var/cache/pacman/pkg",),
    "apk": ("/var/cache/apk",),
    "xbps": ("/var/cache/xbps",),
}
"""By package manager. virt-sysprep has the first four, without dnf5's."""


def cache_rule(manager: str) -> PathRule:
    """The rule for one package manager; without patterns for one that is not known."""
    return PathRule(
        globs=_CACHES.get(manager, ()),
        action=Action.REMOVE_FILES,
        reason="downloaded package or repository data; fetched again when needed",
    )


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Empty the cache of the guest's package manager."""
    del options
    rule = cache_rule(guest.os.package_manager)
    if rule.globs:
        yield from expand(guest, [rule])


OPERATIONS: Final = (
    Operation(
        name="package-manager-cache",
        summary="Remove the package manager's downloads",
        severity=Severity.INFO,
        applies=conditions.package_manager(*_CACHES),
        plan=plan,
        parity=True,
        source="virt-sysprep(1), package-manager-cache; dnf5(8), pacman(8), apk(8), xbps-install(1)",
    ),
    Operation(
        name="rpm-db",
        summary="Remove RPM's shared memory files",
        severity=Severity.INFO,
        applies=conditions.package_format("rpm"),
        plan=rules(PathRule(globs=("/var/lib/rpm/__db.*",), reason="Berkeley DB region of the old machine")),
        parity=True,
        source="virt-sysprep(1), rpm-db",
    ),
    single(
        "apt-lists",
        "Remove apt's lists of packages",
        "/var/lib/apt/lists/*",
        "/var/cache/apt/{pkgcache,srcpkgcache}.bin",
        unless=("/var/lib/apt/lists/{lock,partial,auxfiles}",),
        reason="list of packages; apt-get update fetches it again",
        source="apt-get(8), FILES; nothing can be installed before apt-get update, so off",
        severity=Severity.INFO,
        default=False,
        secret=False,
        applies=conditions.package_manager("apt"),
    ),
    single(
        "dnf-history",
        "Remove the history of dnf's transactions",
        "/var/lib/dnf/history*",
        "/var/lib/dnf/history/*",
        reason="what was installed on the old machine, and when",
        source="dnf(8), history; it also knows which packages somebody asked for, so off",
        severity=Severity.INFO,
        default=False,
        secret=False,
        applies=conditions.package_manager("dnf", "yum"),
    ),
)
