"""libext2fs as seen from Python: its structures, its functions, its numbers.

Theory of operation: libext2fs reads and writes through an *I/O manager*, a table of C function pointers. Ours
is made of ctypes callbacks (`io_manager.py`), so the library never opens a file. The structures mirror
`ext2_io.h` and the head of `ext2fs.h` of e2fsprogs 1.47.0; both have kept their layout since 1.42 (the
library's soname is still `libext2fs.so.2`). `open_volume` checks the few fields it reads, so a library of
another layout is refused, not misread.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_long,
    c_uint,
    c_ulong,
    c_ulonglong,
    c_void_p,
)
from typing import Any, Final

from guestwright.guestfs.errors import DriverMissing

LIBRARY: Final = "libext2fs.so.2"
ERROR_LIBRARY: Final = "libcom_err.so.2"

MAGIC_FILSYS: Final = 2133571329
MAGIC_IO_CHANNEL: Final = 2133571333
MAGIC_IO_MANAGER: Final = 2133571335

# Flags of ext2fs_open2 and of the filsys structure (ext2fs.h, "EXT2_FLAG_").
OPEN_WRITABLE: Final = 0x01
OPEN_64BIT_BITMAPS: Final = 0x20000
OPEN_SKIP_MMP: Final = 0x100000
FLAG_DIRTY: Final = 0x04

BMAP_ALLOC: Final = 0x0001
BMAP_SET: Final = 0x0002
FILE_WRITE: Final = 0x0001
ALL_BLOCKS: Final = 0xFFFFFFFFFFFFFFFF

errcode_t = c_long


class IoManager(Structure):
    """`struct struct_io_manager` (ext2_io.h)."""


class IoChannel(Structure):
    """`struct struct_io_channel` (ext2_io.h)."""


ChannelPointer = POINTER(IoChannel)

OPEN = CFUNCTYPE(errcode_t, c_char_p, c_int, POINTER(ChannelPointer))
CHANNEL = CFUNCTYPE(errcode_t, ChannelPointer)
SET_BLKSIZE = CFUNCTYPE(errcode_t, ChannelPointer, c_int)
# The channel is a plain address here: the transfers do not look at it, and making a pointer object costs.
TRANSFER = CFUNCTYPE(errcode_t, c_void_p, c_ulong, c_int, c_void_p)
TRANSFER64 = CFUNCTYPE(errcode_t, c_void_p, c_ulonglong, c_int, c_void_p)

IoManager._fields_ = [
    ("magic", errcode_t),
    ("name", c_char_p),
    ("open", OPEN),
    ("close", CHANNEL),
    ("set_blksize", SET_BLKSIZE),
    ("read_blk", TRANSFER),
    ("write_blk", TRANSFER),
    ("flush", CHANNEL),
    ("write_byte", c_void_p),
    ("set_option", c_void_p),
    ("get_stats", c_void_p),
    ("read_blk64", TRANSFER64),
    ("write_blk64", TRANSFER64),
    ("discard", c_void_p),
    ("cache_readahead", c_void_p),
    ("zeroout", c_void_p),
    ("reserved", c_long * 14),
]

IoChannel._fields_ = [
    ("magic", errcode_t),
    ("manager", POINTER(IoManager)),
    ("name", c_char_p),
    ("block_size", c_int),
    ("read_error", c_void_p),
    ("write_error", c_void_p),
    ("refcount", c_int),
    ("flags", c_int),
    ("reserved", c_long * 14),
    ("private_data", c_void_p),
    ("app_data", c_void_p),
    ("align", c_int),
]


class Filsys(Structure):
    """The head of `struct struct_ext2_filsys` (ext2fs.h), up to what we read or set."""

    _fields_ = (
        ("magic", errcode_t),
        ("io", c_void_p),
        ("flags", c_int),
        ("device_name", c_char_p),
        ("super", c_void_p),
        ("blocksize", c_uint),
        ("fragsize", c_int),
        ("group_desc_count", c_uint),
        ("desc_blocks", c_ulong),
        ("group_desc", c_void_p),
        ("inode_blocks_per_group", c_uint),
        ("inode_map", c_void_p),
        ("block_map", c_void_p),
        ("get_blocks", c_void_p),
        ("check_directory", c_void_p),
        ("write_bitmaps", c_void_p),
        ("read_inode", c_void_p),
        ("write_inode", c_void_p),
        ("badblocks", c_void_p),
        ("dblist", c_void_p),
        ("stride", c_uint),
        ("orig_super", c_void_p),
        ("image_header", c_void_p),
        ("umask", c_uint),
        ("now", c_long),
        ("cluster_ratio_bits", c_int),
    )


FilsysPointer = POINTER(Filsys)

_FS = FilsysPointer
_NUMBER = c_uint  # ext2_ino_t
_INODE = c_void_p
_BLOCK = c_ulonglong  # blk64_t
_HANDLE = c_void_p

_PROTOTYPES: Final[dict[str, tuple[Any, ...]]] = {
    "ext2fs_open2": (c_char_p, c_char_p, c_int, c_int, c_uint, POINTER(IoManager), POINTER(FilsysPointer)),
    "ext2fs_read_bitmaps": (_FS,),
    "ext2fs_flush": (_FS,),
    "ext2fs_flush_icache": (_FS,),
    "ext2fs_write_new_inode": (_FS, _NUMBER, _INODE),
    "ext2fs_new_inode": (_FS, _NUMBER, c_int, c_void_p, POINTER(_NUMBER)),
    "ext2fs_punch": (_FS, _NUMBER, _INODE, c_char_p, c_ulonglong, c_ulonglong),
    "ext2fs_free_ext_attr": (_FS, _NUMBER, _INODE),
    "ext2fs_iblk_add_blocks": (_FS, _INODE, _BLOCK),
    "ext2fs_iblk_sub_blocks": (_FS, _INODE, _BLOCK),
    "ext2fs_bmap2": (_FS, _NUMBER, _INODE, c_char_p, c_int, _BLOCK, POINTER(c_int), POINTER(_BLOCK)),
    "ext2fs_read_dir_block4": (_FS, _BLOCK, c_void_p, c_int, _NUMBER),
    "ext2fs_write_dir_block4": (_FS, _BLOCK, c_void_p, c_int, _NUMBER),
    "ext2fs_link": (_FS, _NUMBER, c_char_p, _NUMBER, c_int),
    "ext2fs_expand_dir": (_FS, _NUMBER),
    "ext2fs_mkdir": (_FS, _NUMBER, _NUMBER, c_char_p),
    "ext2fs_file_open": (_FS, _NUMBER, c_int, POINTER(_HANDLE)),
    "ext2fs_file_write": (_HANDLE, c_char_p, c_uint, POINTER(c_uint)),
    "ext2fs_file_flush": (_HANDLE,),
    "ext2fs_file_close": (_HANDLE,),
    "ext2fs_xattrs_open": (_FS, _NUMBER, POINTER(_HANDLE)),
    "ext2fs_xattrs_read": (_HANDLE,),
    "ext2fs_xattrs_close": (POINTER(_HANDLE),),
    "ext2fs_xattrs_iterate": (_HANDLE, c_void_p, c_void_p),
    "ext2fs_xattr_get": (_HANDLE, c_char_p, POINTER(c_void_p), POINTER(ctypes.c_size_t)),
    "ext2fs_xattr_set": (_HANDLE, c_char_p, c_char_p, ctypes.c_size_t),
    "ext2fs_xattr_remove": (_HANDLE, c_char_p),
    "ext2fs_free_mem": (c_void_p,),
}

_NUMBERS: Final[dict[str, tuple[Any, ...]]] = {
    "ext2fs_inode_table_loc": (_FS, c_uint),
    "ext2fs_crc32c_le": (c_uint, c_char_p, ctypes.c_size_t),
}

_PROCEDURES: Final[dict[str, tuple[Any, ...]]] = {
    "ext2fs_free": (_FS,),
    "ext2fs_inode_alloc_stats2": (_FS, _NUMBER, c_int, c_int),
    "ext2fs_block_alloc_stats_range": (_FS, _BLOCK, c_uint, c_int),
}

XATTR_VISIT = CFUNCTYPE(c_int, c_char_p, c_void_p, ctypes.c_size_t, c_void_p)


def load() -> ctypes.CDLL:
    """The library with the prototypes of all functions that we call.

    Raises:
        DriverMissing: libext2fs is not installed, or lacks a function.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
        for name, arguments in _PROTOTYPES.items():
            function = getattr(library, name)
            function.argtypes = arguments
            function.restype = errcode_t
        for name, arguments in _NUMBERS.items():
            function = getattr(library, name)
            function.argtypes = arguments
            function.restype = c_ulonglong if name == "ext2fs_inode_table_loc" else c_uint
        for name, arguments in _PROCEDURES.items():
            function = getattr(library, name)
            function.argtypes = arguments
            function.restype = None
        library.initialize_ext2_error_table()
    except (OSError, AttributeError) as error:
        raise DriverMissing(
            driver="ext", needs=f"{LIBRARY} ({error})", advice="install e2fsprogs 1.45 or later"
        ) from error
    return library
