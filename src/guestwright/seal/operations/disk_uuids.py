"""New ids for filesystems and LVM volumes.

The ids are derived from the `seed` that the engine gives with every plan and run, so that both agree. Without
a seed (verify) nothing is wanted: whether an id was renewed cannot be seen from the id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.base.digest import sha256
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, RenewLvmUuids, SetUuid, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.option_values import text

_SETTABLE: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "swap"})
_SEED_HELP: Final = "hex digits that new ids are derived from; the engine gives them"


def derive_uuid(seed: str, name: str) -> str:
    """A version 4 UUID (RFC 9562, 5.4) that depends on `seed` and `name` only."""
    digest = sha256(f"{seed}\0{name}".encode("utf-8", "surrogateescape")).digest()
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | 0x4 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def plan_filesystems(guest: Guest, options: Options) -> Iterator[Change]:
    """A new UUID for each filesystem and swap area whose type has one to set."""
    seed = text(options, "seed")
    changed = False
    for one in guest.filesystems:
        if not seed or one.type not in _SETTABLE or one.id.startswith("btrfs:"):
            continue
        wanted = derive_uuid(seed, one.id)
        if one.uuid != wanted:
            changed = True
            yield SetUuid(filesystem=one.id, uuid=wanted, reason="clones would share the filesystem's UUID")
    if changed:
        what = "fstab, the boot loader, crypttab and the initramfs still name the old UUIDs"
        yield Note(text=f"{what}: the guest does not boot unless they use other names (RHBZ#991641)")


def plan_lvm(guest: Guest, options: Options) -> Iterator[Change]:
    """New UUIDs for all physical volumes and volume groups."""
    del guest
    if text(options, "seed"):
        yield RenewLvmUuids(reason="two machines' disks on one host must not carry the same LVM ids")


OPERATIONS: Final = (
    Operation(
        name="fs-uuids",
        summary="Give filesystems new UUIDs (usually stops the guest from booting)",
        severity=Severity.INFO,
        default=False,
        applies=conditions.always,
        plan=plan_filesystems,
        parity=True,
        source="virt-sysprep(1), fs-uuids; RHBZ#991641",
        options={"seed": _SEED_HELP},
    ),
    Operation(
        name="lvm-uuids",
        summary="Give LVM physical volumes and volume groups new UUIDs",
        severity=Severity.INFO,
        order=99,
        applies=conditions.has_lvm,
        plan=plan_lvm,
        parity=True,
        source="virt-sysprep(1), lvm-uuids",
        options={"seed": _SEED_HELP},
    ),
)
