"""Which differences between an image sealed by virt-sysprep 1.48 and one sealed by us are meant, and why.

docs/differences.md tells the same to operators; tests/meta/test_differences.py holds the two together, and
tests/machine/test_parity.py holds these rows against real images: one that no longer happens fails it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.trees import Meant

ONE_ID = "an id written into the template is shared by all its clones"
DBUS_ID = "systemd prefers an id found here to an empty one, and an empty file is not valid for D-Bus"
SEED = "virt-sysprep refills it, with the same seed for all clones"
NEWER = "newer than version 1.48; later versions of virt-sysprep do it, too"
LINK = "virt-sysprep gives links to directories a slash, and then fails to remove them"
MODE = "virt-sysprep's new file is readable by everybody"
REFRESH = "makes the store of trusted certificates again; virt-sysprep runs the tool in the guest"
UNREFRESHED = "makes the store of trusted certificates again; virt-sysprep leaves SUSE's as it was"
FOREIGN = "virt-sysprep's own service, where it cannot run the guest's programs"
KEYGEN = "makes new SSH host keys, which Debian does not by itself"
OLD_CACHE = "dnf replaced yum, whose cache may still be there"

_SYSTEM = "/etc/systemd/system"
_SEEDS = (
    "/var/lib/systemd/random-seed",
    "/var/lib/urandom/random-seed",
    "/var/lib/misc/random-seed",
    "/var/lib/random-seed",
    "/etc/random-seed",
)


def _rows(what: str, reason: str, *patterns: str, fields: tuple[str, ...] = ()) -> tuple[Meant, ...]:
    return tuple(Meant(pattern=one, what=what, reason=reason, fields=fields) for one in patterns)


def _store(reason: str) -> tuple[Meant, ...]:
    unit = "guestwright-ca-store.service"
    return _rows("created", reason, f"{_SYSTEM}/{unit}", f"{_SYSTEM}/multi-user.target.wants/{unit}")


_EVERYWHERE = (
    *_rows("changed", ONE_ID, "/etc/machine-id", fields=("size", "content")),
    *_rows("removed", DBUS_ID, "/var/lib/dbus/machine-id"),
    *_rows("removed", SEED, *_SEEDS),
    *_rows("removed", NEWER, "/root/.zsh_history", "/home/alice/.zsh_history"),
    *_rows("removed", NEWER, "/etc/lvm/devices/system.devices"),
    *_rows("removed", LINK, "/home/dave/.ssh"),
)

DEBIAN: Sequence[Meant] = (
    *_EVERYWHERE,
    *_store(REFRESH),
    *_rows(
        "created",
        KEYGEN,
        f"{_SYSTEM}/guestwright-ssh-hostkeys.service",
        f"{_SYSTEM}/multi-user.target.wants/guestwright-ssh-hostkeys.service",
        f"{_SYSTEM}/ssh.service.wants",
        f"{_SYSTEM}/ssh.service.wants/guestwright-ssh-hostkeys.service",
    ),
    *_rows("changed", MODE, "/var/log/account/pacct", fields=("mode",)),
)

RHEL: Sequence[Meant] = (
    *_EVERYWHERE,
    *_store(REFRESH),
    *_rows("changed", MODE, "/var/account/pacct", fields=("mode",)),
    *_rows("removed", OLD_CACHE, "/var/cache/yum/x86_64/7/base/cachecookie"),
)

SUSE: Sequence[Meant] = (
    *_EVERYWHERE,
    *_store(UNREFRESHED),
    *_rows("created", UNREFRESHED, f"{_SYSTEM}/multi-user.target.wants"),
)

_FOREIGN = _rows(
    "not-created",
    FOREIGN,
    "/usr/lib/systemd/system/guestfs-firstboot.service",
    "/etc/systemd/system/multi-user.target.wants/guestfs-firstboot.service",
    "/usr/lib/virt-sysprep",
    "/usr/lib/virt-sysprep/firstboot.sh",
    "/usr/lib/virt-sysprep/scripts",
    "/usr/lib/virt-sysprep/scripts/5000-0001-update-ca-*",
)

SMALL_DEBIAN: Sequence[Meant] = (
    *DEBIAN,
    *_FOREIGN,
    *_rows(
        "not-created",
        FOREIGN,
        "/etc/init.d/guestfs-firstboot",
        "/etc/rc[235].d",
        "/etc/rc[235].d/S99guestfs-firstboot",
    ),
)
"""Of a tree of which no program can run."""

SMALL_RHEL: Sequence[Meant] = (
    *RHEL,
    *_FOREIGN,
    *_rows(
        "not-created",
        FOREIGN,
        "/etc/rc.d",
        "/etc/rc.d/rc[235].d",
        "/etc/rc.d/rc[235].d/S99guestfs-firstboot",
    ),
)
"""Of a tree of which no program can run."""

ALL: Sequence[Meant] = tuple(dict.fromkeys((*SMALL_DEBIAN, *SMALL_RHEL, *SUSE)))
"""Every row once."""
