"""Extended attributes through libext2fs, which keeps hashes, checksums and shared blocks right.

POSIX ACLs are seen as `getxattr` shows them (system.posix_acl_access); the library converts from and to its
own form on the disk. "system.data" is not an attribute but the tail of inline data: hidden here, and used by
`inline`.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from types import TracebackType
from typing import Any, Final, Self

from guestwright.guestfs.drivers.ext import bindings, values
from guestwright.guestfs.drivers.ext.codes import MISSING_EA_FEATURE
from guestwright.guestfs.drivers.ext.handle import Handle
from guestwright.guestfs.errors import GuestFSError, NotFound, TooLarge, UnsupportedFilesystem

INLINE_DATA: Final = b"system.data"
_ACCESS_LISTS: Final = frozenset({b"system.posix_acl_access", b"system.posix_acl_default"})
_NOT_A_LIST: Final = frozenset({errno.EINVAL, errno.ENOMEM})
_PREFIXES: Final = (b"user.", b"trusted.", b"security.")
_ACL_ENTRY: Final = struct.Struct("<HHI")  # linux/posix_acl_xattr.h: tag, permissions, id
_ACL_NAMED: Final = frozenset({0x02, 0x08})  # ACL_USER and ACL_GROUP
_ACL_UNDEFINED: Final = 0xFFFFFFFF
MAX_NAME: Final = 255
MAX_VALUE: Final = 65536  # XATTR_SIZE_MAX of linux/limits.h


class Attributes:
    """The attributes of one inode, read at `__enter__`; each change is written at once.

    Args:
        handle: the filesystem.
        number: of the inode.
    """

    __slots__ = ("_handle", "_number", "_pointer")

    def __init__(self, handle: Handle, number: int) -> None:
        self._handle = handle
        self._number = number
        self._pointer: Any = ctypes.c_void_p()

    def __enter__(self) -> Self:
        library = self._handle.library
        code = library.ext2fs_xattrs_open(self._handle.fs, self._number, ctypes.byref(self._pointer))
        if code == MISSING_EA_FEATURE:  # a filesystem without attributes: there are none
            return self
        self._check(code)
        try:
            self._check(library.ext2fs_xattrs_read(self._pointer))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def names(self) -> list[bytes]:
        """Names of all attributes, inline data too."""
        found: list[bytes] = []

        def visit(name: bytes, _value: int, _length: int, _data: int) -> int:
            found.append(name)
            return 0

        if self._pointer:
            visitor = bindings.XATTR_VISIT(visit)
            self._check(self._handle.library.ext2fs_xattrs_iterate(self._pointer, visitor, None))
        return found

    def get(self, name: bytes) -> bytes:
        """Value of an attribute.

        Raises:
            NotFound: there is none of that name.
        """
        value = ctypes.c_void_p()
        length = ctypes.c_size_t()
        library = self._handle.library
        self._check(library.ext2fs_xattr_get(self._pointer, name, ctypes.byref(value), ctypes.byref(length)))
        try:
            found = ctypes.string_at(value, length.value) if length.value else b""
        finally:
            library.ext2fs_free_mem(ctypes.byref(value))
        return _as_kernel(found) if name in _ACCESS_LISTS else found

    def set(self, name: bytes, value: bytes) -> None:
        """Set an attribute.

        Raises:
            GuestFSError: the value is no access list, but the name says so.
            NoSpace: neither the inode nor a block has room for it.
            UnsupportedFilesystem: the filesystem has no attributes.
        """
        if not self._pointer:
            self._check(MISSING_EA_FEATURE)
        self._handle.begin_allocation()
        code = self._handle.library.ext2fs_xattr_set(self._pointer, name, value, len(value))
        if code in _NOT_A_LIST and name in _ACCESS_LISTS:
            raise GuestFSError(path="", detail="not a valid access control list")
        self._check(code)

    def remove(self, name: bytes) -> None:
        """Remove an attribute; one that is not there is no error."""
        if self._pointer:
            self._handle.begin_allocation()
            self._check(self._handle.library.ext2fs_xattr_remove(self._pointer, name))

    def _check(self, code: int) -> None:
        self._handle.check(code, f"extended attributes of inode {self._number}")

    def _close(self) -> None:
        if self._pointer:
            self._handle.library.ext2fs_xattrs_close(ctypes.byref(self._pointer))
            self._pointer = ctypes.c_void_p()


def put(handle: Handle, number: int, name: bytes, value: bytes) -> None:
    """Set one attribute of an inode and touch its ctime.

    Raises:
        GuestFSError: no namespace of Linux, or an impossible name or value.
        TooLarge: more than 64 KiB.
        NoSpace: neither the inode nor a block has room for it.
        UnsupportedFilesystem: the filesystem has no attributes, or see `_charged`.
    """
    named = name in _ACCESS_LISTS or (name.startswith(_PREFIXES) and not name.endswith(b"."))
    if not named or b"\0" in name or len(name) > MAX_NAME:
        raise GuestFSError(path="", detail=f"no such attribute can be set: {name!r}")
    if len(value) > MAX_VALUE:
        raise TooLarge(path="", size=f"an attribute of {len(value)} bytes", limit=MAX_VALUE)
    before = _charged(handle, number)
    with Attributes(handle, number) as attributes:
        attributes.set(name, value)
    _settle(handle, number, before)


def drop(handle: Handle, number: int, name: bytes) -> None:
    """Remove one attribute of an inode and touch its ctime.

    Raises:
        NotFound: there is none of that name.
        UnsupportedFilesystem: see `_charged`.
    """
    before = _charged(handle, number)
    with Attributes(handle, number) as attributes:
        if name not in attributes.names() or name == INLINE_DATA:
            raise NotFound(path="")
        attributes.remove(name)
    _settle(handle, number, before)


def _charged(handle: Handle, number: int) -> int:
    """Clusters charged for values in inodes of their own.

    Raises:
        UnsupportedFilesystem: a block that several inodes share refers to such values. To change one of
            them the library would copy the block without counting its new references.
    """
    inode = handle.inode(number)
    shared, sharers = values.in_block(handle, inode)
    if shared and sharers > 1:
        raise UnsupportedFilesystem(
            filesystem=handle.id,
            detail="changing an attribute beside large ones that several files share",
            advice="use the appliance driver",
        )
    return values.clusters(handle, inode)


def _settle(handle: Handle, number: int, before: int) -> None:
    inode = handle.inode(number)
    more = values.clusters(handle, inode) - before
    library = handle.library
    change = library.ext2fs_iblk_add_blocks if more > 0 else library.ext2fs_iblk_sub_blocks
    if more:
        handle.check(change(handle.fs, inode.memory, abs(more)), f"counting blocks of inode {number}")
    inode.touch(handle.now, content=False)
    handle.write_inode(inode)


def _as_kernel(value: bytes) -> bytes:
    """An access list as getxattr(2) shows it: entries without an id carry -1, where the library puts 0."""
    if len(value) < 4 or (len(value) - 4) % _ACL_ENTRY.size:
        return value
    entries = _ACL_ENTRY.iter_unpack(value[4:])
    return value[:4] + b"".join(
        _ACL_ENTRY.pack(tag, permissions, who if tag in _ACL_NAMED else _ACL_UNDEFINED)
        for tag, permissions, who in entries
    )
