"""The superblock reader, pure."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.guestfs.errors import Corrupt
from guestwright.guestfs.ext_superblock import (
    Compat,
    Incompat,
    RoCompat,
    State,
    parse_superblock,
    read_superblock,
)
from tests.support.memory_device import MemoryDevice

FIELDS = {
    "inodes": (0x0, "I", 16384),
    "blocks": (0x4, "I", 65536),
    "free_blocks": (0xC, "I", 50000),
    "free_inodes": (0x10, "I", 16000),
    "shift": (0x18, "I", 0),
    "blocks_per_group": (0x20, "I", 8192),
    "inodes_per_group": (0x28, "I", 2048),
    "mount_time": (0x2C, "I", 100),
    "magic": (0x38, "H", 0xEF53),
    "state": (0x3A, "H", 1),
    "check_time": (0x40, "I", 50),
    "revision": (0x4C, "I", 1),
    "inode_size": (0x58, "H", 256),
    "compat": (0x5C, "I", int(Compat.HAS_JOURNAL)),
    "incompat": (0x60, "I", int(Incompat.FILETYPE)),
    "ro_compat": (0x64, "I", int(RoCompat.SPARSE_SUPER)),
    "last_orphan": (0xE8, "I", 0),
    "blocks_high": (0x150, "I", 0),
    "mmp_interval": (0x166, "H", 5),
    "mmp_block": (0x168, "Q", 77),
}


def build(**values: int) -> bytes:
    raw = bytearray(1024)
    for name, (offset, kind, usual) in FIELDS.items():
        struct.pack_into(f"<{kind}", raw, offset, values.pop(name, usual))
    assert not values
    raw[0x68:0x78] = bytes(range(16))
    raw[0x78:0x88] = b"root\xff\0garbage...."[:16]
    return bytes(raw)


def test_usual_fields() -> None:
    superblock = parse_superblock(build(), name="d")
    assert superblock.size == 64 << 20
    assert superblock.block_size == 1024
    assert (superblock.inodes, superblock.free_inodes, superblock.free_blocks) == (16384, 16000, 50000)
    assert superblock.uuid == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert superblock.label == "root\udcff"
    assert superblock.type == "ext3"
    assert superblock.state == State.VALID
    assert superblock.is_clean
    assert not superblock.freshly_checked
    assert not superblock.needs_recovery
    assert not superblock.has_orphans
    assert (superblock.mmp_interval, superblock.mmp_block) == (0, 0)


@pytest.mark.parametrize(
    ("values", "attribute", "expected"),
    [
        pytest.param({"incompat": 0x4}, "needs_recovery", True, id="recovery"),
        pytest.param({"last_orphan": 12}, "has_orphans", True, id="orphan list"),
        pytest.param({"ro_compat": 0x10000}, "has_orphans", True, id="orphan file"),
        pytest.param({"state": 0}, "is_clean", False, id="in use"),
        pytest.param({"state": 3}, "is_clean", False, id="error noted"),
        pytest.param({"check_time": 100}, "freshly_checked", True, id="checked since"),
        pytest.param({"compat": 0}, "type", "ext2", id="ext2"),
        pytest.param({"incompat": 0x42}, "type", "ext4", id="extents"),
        pytest.param({"ro_compat": 0x40}, "type", "ext4", id="extra isize"),
        pytest.param({"incompat": 0x100}, "mmp_block", 77, id="mmp"),
        pytest.param({"revision": 0, "inode_size": 0}, "inode_size", 128, id="revision 0"),
        pytest.param({"blocks_high": 9}, "blocks", 65536, id="high word needs 64bit"),
        pytest.param({"incompat": 0x80000000}, "incompat", 0x80000000, id="unknown feature kept"),
    ],
)
def test_variants(values: dict[str, int], attribute: str, expected: object) -> None:
    assert getattr(parse_superblock(build(**values), name="d"), attribute) == expected


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"magic": 0}, id="magic"),
        pytest.param({"shift": 7}, id="block size"),
        pytest.param({"shift": 0xFFFFFFFF}, id="huge shift"),
        pytest.param({"inode_size": 200}, id="inode size"),
        pytest.param({"inode_size": 0}, id="no inode size"),
        pytest.param({"inode_size": 2048}, id="inode over block"),
        pytest.param({"inodes_per_group": 0}, id="no inodes per group"),
        pytest.param({"blocks_per_group": 0}, id="no blocks per group"),
        pytest.param({"blocks_per_group": 8200}, id="group over bitmap"),
        pytest.param({"blocks": 0}, id="no blocks"),
        pytest.param({"inodes": 0}, id="no inodes"),
        pytest.param({"inodes": 1 << 31}, id="too many inodes"),
    ],
)
def test_nonsense_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(Corrupt, match="guest filesystem d is damaged"):
        parse_superblock(build(**values), name="d")


@given(st.binary(min_size=1024, max_size=1024))
def test_any_bytes_give_a_superblock_or_corrupt(raw: bytes) -> None:
    raw = raw[:0x38] + b"\x53\xef" + raw[0x3A:]
    try:
        superblock = parse_superblock(raw, name="d")
    except Corrupt:
        return
    assert 1024 <= superblock.block_size <= 65536
    assert superblock.inodes_per_group
    assert superblock.blocks_per_group


@pytest.mark.parametrize("size", [0, 2047, 1 << 20], ids=["empty", "short", "cut off"])
def test_devices_that_are_too_small(size: int) -> None:
    content = (bytes(1024) + build()).ljust(1 << 20, b"\0")[:size]
    with pytest.raises(Corrupt):
        read_superblock(MemoryDevice(content), name="d")
