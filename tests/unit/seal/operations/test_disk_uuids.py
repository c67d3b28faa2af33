"""New ids for filesystems and volumes."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.guestfs.port import Filesystem
from guestwright.seal.changes import SetUuid
from guestwright.seal.guest import Guest
from guestwright.seal.operations.disk_uuids import derive_uuid
from guestwright.seal.registry import by_name
from tests.support.sealing import make_guest, words

SEED = {"seed": "00112233445566778899aabbccddeeff"}


def filesystem(ident: str, kind: str) -> Filesystem:
    return Filesystem(id=ident, type=kind, size=1 << 20)


def guest_with(*others: Filesystem) -> Guest:
    return make_guest({"/etc/x": ""}, other=others)


def test_each_filesystem_that_can_have_one_gets_another() -> None:
    guest = guest_with(
        filesystem("disk0/p9", "swap"),
        filesystem("disk1", "xfs"),
        filesystem("btrfs:disk2:@home", "btrfs"),
        filesystem("disk3", "unknown"),
        filesystem("disk4", "LVM2_member"),
        filesystem("disk5", "vfat"),
    )
    wanted = list(by_name("fs-uuids").plan(guest, SEED))
    assert sorted(words(wanted)) == ["note:warning", "uuid disk0/p1", "uuid disk0/p9", "uuid disk1"]
    ids = {one.uuid for one in wanted if isinstance(one, SetUuid)}
    assert len(ids) == 3
    assert wanted == list(by_name("fs-uuids").plan(guest, SEED))


def test_a_filesystem_that_has_it_is_left() -> None:
    wanted = derive_uuid(SEED["seed"], "disk1")
    guest = guest_with(Filesystem(id="disk1", type="ext4", size=1, uuid=wanted))
    assert sorted(words(by_name("fs-uuids").plan(guest, SEED))) == ["note:warning", "uuid disk0/p1"]


@pytest.mark.parametrize("name", ["fs-uuids", "lvm-uuids"])
def test_nothing_without_a_seed(name: str) -> None:
    guest = guest_with(filesystem("lvm:vg/root", "xfs"))
    assert list(by_name(name).plan(guest, {})) == []


@pytest.mark.parametrize("found", [("lvm:vg/root", "xfs"), ("disk0/p2", "LVM2_member")])
def test_lvm(found: tuple[str, str]) -> None:
    guest = guest_with(filesystem(*found))
    operation = by_name("lvm-uuids")
    assert operation.applies(guest) == ""
    assert words(operation.plan(guest, SEED)) == ["lvm"]


def test_no_lvm() -> None:
    assert by_name("lvm-uuids").applies(guest_with(filesystem("disk1", "xfs")))


@settings(deadline=None)
@given(st.text(alphabet="0123456789abcdef", min_size=1, max_size=32), st.text(max_size=12))
def test_derived_ids_are_version_4(seed: str, name: str) -> None:
    made = uuid.UUID(derive_uuid(seed, name))
    assert made.version == 4
    assert made.variant == uuid.RFC_4122
    assert str(made) == derive_uuid(seed, name)
