"""Making files, directories and symlinks.

Theory of operation: the name is linked first, because only that can need another directory block, then the
inode is filled; should that fail, the name is taken away again. Inodes are allocated in the parent's group.
New files get extents where the filesystem has them, never inline data (valid either way).
"""

from __future__ import annotations

import ctypes
from typing import Final

from guestwright.guestfs.drivers.ext import content, release
from guestwright.guestfs.drivers.ext import superblock as sb
from guestwright.guestfs.drivers.ext.directory import KINDS, Directories, encode
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.drivers.ext.inode import (
    BLOCK_LENGTH,
    EXTENT_HEADER,
    FLAG_EXTENTS,
    FLAG_PROJECT_INHERIT,
    TYPE_DIRECTORY,
    TYPE_FILE,
    TYPE_SYMLINK,
    Inode,
)
from guestwright.guestfs.errors import AlreadyExists, GuestFSError, TooLarge
from guestwright.guestfs.port import FileKind

MAX_NAME: Final = 255
MAX_SUBDIRECTORIES: Final = 64998  # EXT4_LINK_MAX of 65000, less "." and the name in the parent
_PROJECT_OFFSET: Final = 156
_PROJECT_EXTRA: Final = 32


def file(
    handle: Handle,
    directories: Directories,
    directory: int,
    name: str,
    data: bytes,
    *,
    mode: int,
    uid: int,
    gid: int,
) -> int:
    """Create a regular file with its content.

    Returns:
        Its inode number.

    Raises:
        AlreadyExists: the name is taken.
        NoSpace: no inode or too few blocks; nothing was created.
        TooLarge: the name is longer than 255 bytes.
    """
    number = _link(handle, directories, directory, name, FileKind.FILE)
    try:
        inode = _new_inode(handle, number, directory, TYPE_FILE | mode & 0o7777, mapped=True)
        inode.set_owner(uid, gid)
        handle.write_inode(inode)
        content.write(handle, inode, data)
    except BaseException:
        _unlink(handle, directories, directory, name, number)
        raise
    return number


def symlink(handle: Handle, directories: Directories, directory: int, name: str, target: str) -> int:
    """Create a symlink, in the inode when the target is short.

    Raises:
        TooLarge: the target does not fit into a block, or the name is too long.
        GuestFSError: the target is empty.
    """
    raw = encode(target)
    limit = min(handle.super.block_size, content.MAX_TARGET) - 1
    if len(raw) > limit:
        raise TooLarge(path="", size=f"a target of {len(raw)} bytes", limit=limit)
    if not raw or b"\0" in raw:
        raise GuestFSError(path="", detail="not a possible target of a symbolic link")
    number = _link(handle, directories, directory, name, FileKind.SYMLINK)
    fast = len(raw) < BLOCK_LENGTH
    try:
        inode = _new_inode(handle, number, directory, TYPE_SYMLINK | 0o777, mapped=not fast)
        if fast:
            inode.set_block(raw)
            inode.set_size(len(raw))
            handle.write_inode(inode)
        else:
            content.write(handle, inode, raw)
    except BaseException:
        _unlink(handle, directories, directory, name, number)
        raise
    return number


def directory(
    handle: Handle, directories: Directories, parent: int, name: str, *, mode: int, uid: int, gid: int
) -> int:
    """Create a directory.

    Raises:
        AlreadyExists, NoSpace: see `file`.
        TooLarge: the parent has as many sub-directories as it can count.
    """
    links = directories.open(parent).links
    if links > MAX_SUBDIRECTORIES:
        raise TooLarge(path="", size=f"a directory of {links} sub-directories", limit=MAX_SUBDIRECTORIES)
    number = _link(handle, directories, parent, name, FileKind.DIRECTORY)
    code = handle.library.ext2fs_mkdir(handle.fs, parent, number, None)
    if code:
        directories.remove(parent, [name])
        handle.check(code, "creating a directory")
    inode = handle.inode(number)
    inode.set16(0, TYPE_DIRECTORY | mode & 0o7777)
    inode.set_owner(uid, gid)
    _inherit(handle, inode, parent)
    handle.write_inode(inode)
    return number


def _link(handle: Handle, directories: Directories, directory: int, name: str, kind: FileKind) -> int:
    """Check the name, choose an inode, and link it."""
    raw = encode(name)
    if len(raw) > MAX_NAME:
        raise TooLarge(path="", size=f"a name of {len(raw)} bytes", limit=MAX_NAME)
    if raw in {b"", b".", b".."} or b"/" in raw or b"\0" in raw:
        raise GuestFSError(path="", detail="not a possible file name")
    if name in directories.listing(directory):
        raise AlreadyExists(path="")
    handle.begin_allocation()
    number = ctypes.c_uint()
    mode = TYPE_DIRECTORY if kind is FileKind.DIRECTORY else TYPE_FILE
    code = handle.library.ext2fs_new_inode(handle.fs, directory, mode, None, ctypes.byref(number))
    handle.check(code, "allocating an inode")
    directories.add(directory, name, number.value, KINDS.index(kind))
    return number.value


def _new_inode(handle: Handle, number: int, directory: int, mode: int, *, mapped: bool) -> Inode:
    """Write a fresh inode with one link and mark it used."""
    inode = Inode(number, bytearray(handle.super.inode_size))
    inode.set16(0, mode)
    inode.set16(26, 1)
    if mapped and handle.super.extents:
        inode.set32(32, FLAG_EXTENTS)
        inode.set_block(EXTENT_HEADER)
    for offset in (8, 12, 16):
        inode.set32(offset, handle.now)
    code = handle.library.ext2fs_write_new_inode(handle.fs, number, inode.memory)
    handle.check(code, f"writing inode {number}")
    handle.library.ext2fs_inode_alloc_stats2(handle.fs, number, 1, 0)
    fresh = handle.inode(number)
    fresh.touch(handle.now, content=True)
    _inherit(handle, fresh, directory)
    return fresh


def _inherit(handle: Handle, inode: Inode, parent: int) -> None:
    """Project id and its flag go from a directory to what is made in it (kernel fs/ext4/ialloc.c)."""
    if not handle.super.ro_compat & sb.RO_COMPAT_PROJECT or inode.extra < _PROJECT_EXTRA:
        return
    above = handle.inode(parent)
    if above.flags & FLAG_PROJECT_INHERIT and above.extra >= _PROJECT_EXTRA:
        inode.set32(_PROJECT_OFFSET, above.get32(_PROJECT_OFFSET))
        if inode.kind is FileKind.DIRECTORY:
            inode.set32(32, inode.flags | FLAG_PROJECT_INHERIT)


def _unlink(handle: Handle, directories: Directories, directory: int, name: str, number: int) -> None:
    directories.remove(directory, [name])
    inode = handle.inode(number)
    if inode.links:
        release.free(handle, inode)
