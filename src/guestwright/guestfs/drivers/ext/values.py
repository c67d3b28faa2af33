"""Attribute values that live in inodes of their own (feature "ea_inode"): who refers to them, and their room.

The kernel charges the blocks of such values to every inode that refers to them, in i_blocks; e2fsck holds an
inode to that, but libext2fs 1.47 does not keep it up (kernel fs/ext4/xattr.c, ext4_xattr_inode_alloc_quota;
e2fsck/pass1.c, size_to_quota_blocks).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import GOOD_OLD_SIZE, Inode

MAGIC: Final = 0xEA020000
_ENTRY: Final = struct.Struct("<BBHIII")  # name length, name index, value offset, value inode, size, hash
_BLOCK_HEADER: Final = 32

Reference = tuple[int, int]
"""Inode number of a value, and its length in bytes."""


def in_inode(handle: Handle, inode: Inode) -> list[Reference]:
    """The values that the attributes inside an inode refer to."""
    if not handle.super.ea_inode:
        return []
    return list(_references(handle, bytes(inode.raw[GOOD_OLD_SIZE + inode.extra :]), 4))


def in_block(handle: Handle, inode: Inode) -> tuple[list[Reference], int]:
    """The values that an inode's attribute block refers to, and how many inodes share that block.

    Raises:
        Corrupt: it is not an attribute block.
    """
    block = inode.acl_block
    if not block:
        return [], 0
    raw = handle.block_bytes(block)
    if int.from_bytes(raw[:4], "little") != MAGIC:
        raise handle.corrupt(f"inode {inode.number} has a damaged attribute block")
    sharers = int.from_bytes(raw[4:8], "little")
    return (list(_references(handle, raw, _BLOCK_HEADER)) if handle.super.ea_inode else []), sharers


def clusters(handle: Handle, inode: Inode) -> int:
    """What the values of an inode add to its i_blocks, in clusters."""
    if not handle.super.ea_inode:
        return 0
    room = handle.super.block_size << handle.fs.contents.cluster_ratio_bits
    return sum(-(-size // room) for _, size in in_inode(handle, inode) + in_block(handle, inode)[0])


def _references(handle: Handle, raw: bytes, start: int) -> Iterator[Reference]:
    if len(raw) < start + 4 or int.from_bytes(raw[:4], "little") != MAGIC:
        return
    at = start
    while at + 4 <= len(raw) and raw[at : at + 4] != b"\0\0\0\0":
        if at + _ENTRY.size > len(raw):
            raise handle.corrupt("a list of attributes runs over its end")
        length, _, _, value, size, _ = _ENTRY.unpack_from(raw, at)
        if value:
            yield value, size
        at += _ENTRY.size + (length + 3 & ~3)
