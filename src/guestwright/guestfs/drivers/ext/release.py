"""Giving back an inode whose last link is gone: its blocks, its attributes, itself.

Theory of operation: what hangs on an inode is more than its data. An external attribute block may be shared
and is counted; attribute values may live in inodes of their own, which are counted too, by the attribute
blocks and inodes that refer to them (kernel fs/ext4/xattr.c, ext4_xattr_delete_inode). Small extent maps,
which almost all files have, are freed here with one call for each extent; all other maps by `ext2fs_punch`.
"""

from __future__ import annotations

import struct
from typing import Final

from guestwright.guestfs.drivers.ext import bindings, content, mapping, values
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import (
    BLOCK_LENGTH,
    BLOCK_OFFSET,
    EXTENT_HEADER,
    FLAG_EA_INODE,
    FLAG_EXTENTS,
    FLAG_INLINE_DATA,
    GOOD_OLD_SIZE,
    TYPE_DIRECTORY,
    TYPE_FILE,
    TYPE_MASK,
    TYPE_SYMLINK,
    Inode,
)

_HEAD: Final = struct.Struct("<H24xH")  # mode … links
_NO_BLOCKS: Final = bytes(BLOCK_LENGTH)
_NO_EXTENTS: Final = EXTENT_HEADER.ljust(BLOCK_LENGTH, b"\0")


def drop_link(handle: Handle, number: int, *, scrub: bool) -> int:
    """Take one name away from an inode that is not a directory, and free it when that was the last.

    Args:
        handle: the filesystem, ready to allocate.
        number: of the inode.
        scrub: zero the data of a regular file before it is freed.

    Returns:
        The bytes of a regular file that was freed, else 0.

    Raises:
        Corrupt: the inode is free already, reserved, or a directory after all.
    """
    inode = handle.inode(number)
    mode, links = _HEAD.unpack_from(inode.raw)
    kind = mode & TYPE_MASK
    if links == 0 or number < handle.super.first_inode or kind == TYPE_DIRECTORY:
        raise handle.corrupt(f"a name points to inode {number}, which is unused, reserved or a directory")
    if links > 1:
        inode.set16(26, links - 1)
        inode.touch(handle.now, content=False)
        handle.write_inode(inode)
        return 0
    size = 0
    if kind == TYPE_FILE:
        size = inode.size
        if scrub:
            content.zero_blocks(handle, inode)
    free(handle, inode)
    return size


def free(handle: Handle, inode: Inode) -> None:
    """Free an inode with all that hangs on it, whatever its link count says."""
    kind = inode.mode & TYPE_MASK
    flags = inode.flags
    _free_attributes(handle, inode)
    if _has_blocks(inode, kind, flags):
        _free_blocks(handle, inode, flags)
    raw = inode.raw
    raw[4:8] = raw[108:112] = b"\0\0\0\0"  # size and its high half
    raw[26:32] = b"\0\0\0\0\0\0"  # links and blocks
    raw[116:118] = b"\0\0"  # high half of blocks
    raw[40:100] = _NO_EXTENTS if flags & FLAG_EXTENTS else _NO_BLOCKS
    if flags & FLAG_INLINE_DATA:
        inode.set32(32, flags & ~FLAG_INLINE_DATA)
    extra = GOOD_OLD_SIZE + inode.extra
    if len(raw) > extra:
        raw[extra:] = bytes(len(raw) - extra)  # attributes and inline data
    inode.set32(20, handle.deletion_time)
    handle.write_inode(inode)
    directory = 1 if kind == TYPE_DIRECTORY else 0
    handle.library.ext2fs_inode_alloc_stats2(handle.fs, inode.number, -1, directory)


def _has_blocks(inode: Inode, kind: int, flags: int) -> bool:
    if flags & FLAG_INLINE_DATA or inode.raw[BLOCK_OFFSET : BLOCK_OFFSET + BLOCK_LENGTH] == _NO_BLOCKS:
        return False
    if kind == TYPE_SYMLINK:
        return inode.size >= BLOCK_LENGTH
    return kind in {TYPE_FILE, TYPE_DIRECTORY}


def _free_blocks(handle: Handle, inode: Inode, flags: int) -> None:
    depth = inode.get16(BLOCK_OFFSET + 6)
    if not flags & FLAG_EXTENTS or depth or handle.super.bigalloc:
        punch = handle.library.ext2fs_punch
        code = punch(handle.fs, inode.number, inode.memory, None, 0, bindings.ALL_BLOCKS)
        handle.check(code, f"freeing blocks of inode {inode.number}")
        return
    if inode.get16(BLOCK_OFFSET + 2):
        for run in list(mapping.runs(handle, inode)):
            handle.library.ext2fs_block_alloc_stats_range(handle.fs, run.physical, run.length, -1)


def _free_attributes(handle: Handle, inode: Inode) -> None:
    acl_block = inode.acl_block
    if not acl_block and not handle.super.ea_inode:
        return
    lost = values.in_inode(handle, inode)
    if acl_block:
        shared, sharers = values.in_block(handle, inode)
        if sharers <= 1:
            lost += shared
        code = handle.library.ext2fs_free_ext_attr(handle.fs, inode.number, inode.memory)
        handle.check(code, f"freeing the attributes of inode {inode.number}")
    for number, _ in lost:
        _drop_value(handle, number)


def _drop_value(handle: Handle, number: int) -> None:
    """Take one reference from an inode that holds an attribute's value (i_ctime and i_version count them)."""
    inode = handle.inode(number)
    count = inode.get32(12) << 32 | inode.get32(36)
    if not inode.flags & FLAG_EA_INODE or not inode.links or not count or number < handle.super.first_inode:
        raise handle.corrupt(f"inode {number} should hold an attribute's value")
    count -= 1
    inode.set32(12, count >> 32)
    inode.set32(36, count)
    handle.write_inode(inode)  # even before it is freed: a value that refers to itself is found out
    if not count:
        free(handle, inode)
