"""The inode's layout."""

from __future__ import annotations

import struct

import pytest

from guestwright.guestfs.drivers.ext.inode import Inode, parse_stat
from guestwright.guestfs.port import FileKind


def made(size: int = 256, mode: int = 0o100644) -> Inode:
    inode = Inode(12, bytearray(size))
    inode.set16(0, mode)
    if size > 128:
        inode.set16(128, 32)
    return inode


def test_owners_have_32_bits() -> None:
    inode = made()
    inode.set_owner(4_000_000_000, 70_000)
    stat = parse_stat(inode.raw, 12, "disk0")
    assert (stat.uid, stat.gid) == (4_000_000_000, 70_000)


@pytest.mark.parametrize("now", [0, 1, 1_700_000_000, 0x7FFFFFFF, 0x80000000, 5_000_000_000, 0x37FFFFFFF])
def test_times_survive_2038(now: int) -> None:
    inode = made()
    inode.touch(now, content=True)
    assert parse_stat(inode.raw, 12, "disk0").mtime == now


def test_small_inodes_have_times_of_32_bits() -> None:
    inode = made(128)
    inode.touch(1_700_000_000, content=True)
    assert parse_stat(inode.raw, 12, "disk0").mtime == 1_700_000_000
    assert inode.extra == 0


def test_touching_attributes_leaves_mtime() -> None:
    inode = made()
    inode.touch(5, content=False)
    assert (inode.get32(12), inode.get32(16)) == (5, 0)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (0o100644, FileKind.FILE), (0o040755, FileKind.DIRECTORY), (0o120777, FileKind.SYMLINK),
        (0o010600, FileKind.FIFO), (0o020600, FileKind.CHARACTER_DEVICE), (0o060600, FileKind.BLOCK_DEVICE),
        (0o140600, FileKind.SOCKET), (0o000600, FileKind.UNKNOWN), (0o170000, FileKind.UNKNOWN),
    ],
)  # fmt: skip
def test_kinds(mode: int, kind: FileKind) -> None:
    inode = made(mode=mode)
    stat = parse_stat(inode.raw, 12, "disk0")
    assert (stat.kind, inode.kind, stat.mode) == (kind, kind, mode & 0o7777)


def test_only_files_have_a_high_half_of_size() -> None:
    for mode, high in ((0o100644, 3 << 32), (0o040755, 0), (0o120777, 0)):
        inode = made(mode=mode)
        struct.pack_into("<I", inode.raw, 4, 9)
        struct.pack_into("<I", inode.raw, 108, 3)
        assert inode.size == parse_stat(inode.raw, 12, "disk0").size == 9 + high


def test_the_memory_for_c_is_the_same_memory() -> None:
    inode = made()
    inode.memory[4:6] = b"\x07\x01"  # type: ignore[call-overload]  # typeshed knows only lists here
    assert inode.size == 0x107
    inode.set_block(b"abc")
    assert inode.block == b"abc".ljust(60, b"\0")
