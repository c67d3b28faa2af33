"""Which superblocks are taken."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.errors import GuestwrightError
from guestwright.guestfs.drivers.ext import superblock, supported
from guestwright.guestfs.errors import Corrupt, UnsupportedFilesystem

SIZE = 64 << 20


def raw(**changes: int) -> bytes:
    """A superblock of ext4 as mke2fs makes it, with changes."""
    values = {
        "inodes": 16384,
        "blocks": 16384,
        "log": 2,
        "per_group": 16384,
        "magic": 0xEF53,
        "state": 1,
        "revision": 1,
        "first": 11,
        "inode_size": 256,
        "compat": 0x3C,
        "incompat": 0x2C2,
        "ro_compat": 0x46B,
        "journal": 8,
        "device": 0,
        "orphan": 0,
        "mmp": 0,
    } | changes
    data = bytearray(1024)
    places = {
        "inodes": 0,
        "blocks": 4,
        "log": 24,
        "per_group": 40,
        "revision": 76,
        "first": 84,
        "compat": 92,
        "incompat": 96,
        "ro_compat": 100,
        "journal": 224,
        "device": 228,
        "orphan": 232,
        "mmp": 0x168,
    }
    for name, at in places.items():
        struct.pack_into("<I", data, at, values[name])
    for name, at in {"magic": 56, "state": 58, "inode_size": 88}.items():
        struct.pack_into("<H", data, at, values[name])
    return bytes(data)


def check(**changes: int) -> None:
    block = superblock.parse(raw(**changes), filesystem="disk0")
    supported.check(block, device_size=SIZE, filesystem="disk0")


def test_what_mke2fs_makes_is_taken() -> None:
    check()


def test_an_old_revision_has_no_features() -> None:
    block = superblock.parse(raw(revision=0), filesystem="disk0")
    assert (block.inode_size, block.first_inode, block.incompat) == (128, 11, 0)


@pytest.mark.parametrize("bit", range(32))
@pytest.mark.parametrize("kind", ["compat", "incompat", "ro_compat"])
def test_every_unknown_feature_bit_is_refused_by_name(kind: str, bit: int) -> None:
    present = {"compat": 0x3C, "incompat": 0x2C2, "ro_compat": 0x46B}[kind]
    taken = {
        "compat": {0, 1, 2, 3, 4, 5, 9, 10, 11, 12},
        "incompat": {1, 4, 6, 7, 8, 9, 10, 13, 14, 15, 17},
        "ro_compat": {0, 1, 3, 4, 5, 6, 9, 10, 13, 15},
    }[kind]
    if bit in taken:
        check(**{kind: present | 1 << bit})
        return
    with pytest.raises(UnsupportedFilesystem):
        check(**{kind: present | 1 << bit})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": 0}, "not unmounted cleanly"),
        ({"state": 5}, "orphaned"),
        ({"orphan": 12}, "orphaned"),
        ({"incompat": 0x2C6}, "journal was not replayed"),
        ({"ro_compat": 0x1046B}, "orphaned"),
        ({"journal": 0, "device": 0x801}, "another device"),
    ],
)
def test_unsettled_filesystems_are_refused(changes: dict[str, int], words: str) -> None:
    with pytest.raises(UnsupportedFilesystem, match=words):
        check(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": 3},
        {"blocks": 16385},
        {"blocks": 0},
        {"inodes": 0},
        {"magic": 0},
        {"log": 7},
        {"inode_size": 300},
        {"inode_size": 64},
        {"inode_size": 8192},
        {"per_group": 0},
    ],
    ids=str,
)
def test_damage_is_called_damage(changes: dict[str, int]) -> None:
    with pytest.raises(Corrupt):
        check(**changes)


@given(st.binary(max_size=1100))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    forged = bytearray(data.ljust(1024, b"\0"))
    forged[56:58] = b"\x53\xef"
    try:
        block = superblock.parse(bytes(forged), filesystem="disk0")
        supported.check(block, device_size=SIZE, filesystem="disk0")
    except GuestwrightError:
        pass


@pytest.mark.parametrize(("sequence", "clean"), [(0xFF4D4D50, True), (0xE24D4D50, False), (1, False)])
def test_multiple_mount_protection(sequence: int, clean: bool) -> None:
    block = struct.pack("<II", 0x004D4D50, sequence)
    if clean:
        supported.check_mmp(block, filesystem="disk0")
    else:
        with pytest.raises(UnsupportedFilesystem):
            supported.check_mmp(block, filesystem="disk0")


def test_free_counts_have_a_high_half_only_with_64_bits() -> None:
    data = bytearray(raw())
    struct.pack_into("<II", data, 12, 7, 9)
    struct.pack_into("<I", data, 0x158, 1)
    assert superblock.free_counts(bytes(data), wide=True) == (7 + (1 << 32), 9)
    assert superblock.free_counts(bytes(data), wide=False) == (7, 9)
