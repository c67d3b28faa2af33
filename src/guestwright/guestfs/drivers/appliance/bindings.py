"""The part of libguestfs' C interface that the driver uses, as tables.

Theory of operation: libguestfs promises a stable ABI for `libguestfs.so.0` (guestfs(3), "ABI GUARANTEE"), so
ctypes needs no compiled binding. Each call is one line of `_CALLS`: what it returns and what it takes.
`handle.Handle` does the conversions. Structures are those of `guestfs.h` 1.48; fields are never inserted or
removed within one soname.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Final

from guestwright.guestfs.errors import DriverMissing

LIBRARY: Final = "libguestfs.so.0"
ADVICE: Final = "install libguestfs (Debian: libguestfs0 and libguestfs-xfs; Fedora: libguestfs)"

CREATE_NO_ENVIRONMENT: Final = 1
EVENT_APPLIANCE: Final = 0x10
EVENT_LIBRARY: Final = 0x20
EVENT_WARNING: Final = 0x200

EventCallback = ctypes.CFUNCTYPE(
    None, c_void_p, c_void_p, c_uint64, c_int, c_int, c_void_p, c_size_t, c_void_p, c_size_t
)


class StatNS(ctypes.Structure):
    """`struct guestfs_statns`."""

    _fields_ = [
        (name, c_int64)
        for name in (
            *("dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks"),
            *("atime", "atime_ns", "mtime", "mtime_ns", "ctime", "ctime_ns"),
            *("spare1", "spare2", "spare3", "spare4", "spare5", "spare6"),
        )
    ]


class XAttr(ctypes.Structure):
    """`struct guestfs_xattr`; the value is not NUL-terminated."""

    _fields_ = [("name", c_char_p), ("length", c_uint32), ("value", POINTER(c_char))]


class Dirent(ctypes.Structure):
    """`struct guestfs_dirent`."""

    _fields_ = [("ino", c_int64), ("kind", c_char), ("name", c_char_p)]


class StatVFS(ctypes.Structure):
    """`struct guestfs_statvfs`."""

    _fields_ = [
        (name, c_int64)
        for name in (
            *("bsize", "frsize", "blocks", "bfree", "bavail", "files"),
            *("ffree", "favail", "fsid", "flag", "namemax"),
        )
    ]


class StatNSList(ctypes.Structure):
    """`struct guestfs_statns_list`."""

    _fields_ = [("len", c_uint32), ("val", POINTER(StatNS))]


class XAttrList(ctypes.Structure):
    """`struct guestfs_xattr_list`."""

    _fields_ = [("len", c_uint32), ("val", POINTER(XAttr))]


class DirentList(ctypes.Structure):
    """`struct guestfs_dirent_list`."""

    _fields_ = [("len", c_uint32), ("val", POINTER(Dirent))]


class Subvolume(ctypes.Structure):
    """`struct guestfs_btrfssubvolume`."""

    _fields_ = [("id", c_uint64), ("top_level_id", c_uint64), ("path", c_char_p)]


class SubvolumeList(ctypes.Structure):
    """`struct guestfs_btrfssubvolume_list`."""

    _fields_ = [("len", c_uint32), ("val", POINTER(Subvolume))]


class AddDriveOpts(ctypes.Structure):
    """`struct guestfs_add_drive_opts_argv`; bit n of the mask says that the n-th field is set."""

    _fields_ = [
        ("bitmask", c_uint64),
        ("readonly", c_int),
        ("format", c_char_p),
        ("iface", c_char_p),
        ("name", c_char_p),
        ("label", c_char_p),
        ("protocol", c_char_p),
        ("server", c_void_p),
        ("username", c_char_p),
        ("secret", c_char_p),
        ("cachemode", c_char_p),
        ("discard", c_char_p),
        ("copyonread", c_int),
        ("blocksize", c_int),
    ]
    FORMAT = 1 << 1
    CACHEMODE = 1 << 9


class OneFlag(ctypes.Structure):
    """The optional arguments of calls whose first (or only) one is a boolean or integer."""

    _fields_ = [("bitmask", c_uint64), ("flag", c_int), ("_room", c_double * 16)]


class XfsRepairOpts(ctypes.Structure):
    """`struct guestfs_xfs_repair_argv`, its head; `nomodify` is `xfs_repair -n`."""

    _fields_ = [("bitmask", c_uint64), ("forcelogzero", c_int), ("nomodify", c_int), ("_room", c_double * 16)]
    NOMODIFY = 1 << 1


# Returns: v nothing, i int, l int64, s text, S texts, H pairs of texts, b bytes, or the name of a structure.
# Takes: s text, i int, l int64, S texts, b bytes with a size_t length, B bytes with an int length, o optional
# arguments.
CALLS: Final[dict[str, tuple[str, str]]] = {
    "add_drive_opts_argv": ("v", "so"),
    "blockdev_getsize64": ("l", "s"),
    "btrfs_fsck_argv": ("v", "so"),
    "btrfs_subvolume_list": ("btrfssubvolume_list", "s"),
    "chmod": ("v", "is"),
    "config": ("v", "ss"),
    "debug": ("s", "sS"),
    "e2fsck_argv": ("v", "so"),
    "get_hv": ("c", ""),
    "is_ready": ("i", ""),
    "launch": ("v", ""),
    "lchown": ("v", "iis"),
    "lgetxattrs": ("xattr_list", "s"),
    "list_devices": ("S", ""),
    "list_md_devices": ("S", ""),
    "list_partitions": ("S", ""),
    "list_filesystems": ("H", ""),
    "ln_s": ("v", "ss"),
    "lremovexattr": ("v", "ss"),
    "lsetxattr": ("v", "sBs"),
    "lstatns": ("statns", "s"),
    "lstatnslist": ("statns_list", "sS"),
    "lvs": ("S", ""),
    "mkdir_mode": ("v", "si"),
    "mkfs": ("v", "ss"),
    "mkmountpoint": ("v", "s"),
    "mount_local_argv": ("v", "so"),
    "mount_local_run": ("v", ""),
    "mount_options": ("v", "sss"),
    "pread": ("b", "sil"),
    "pvchange_uuid_all": ("v", ""),
    "pwrite": ("i", "sbl"),
    "readdir": ("dirent_list", "s"),
    "readlink": ("s", "s"),
    "rm": ("v", "s"),
    "rm_rf": ("v", "s"),
    "set_backend": ("v", "s"),
    "set_backend_setting": ("v", "ss"),
    "set_network": ("v", "i"),
    "set_uuid": ("v", "ss"),
    "shutdown": ("v", ""),
    "statvfs": ("statvfs", "s"),
    "sync": ("v", ""),
    "truncate_size": ("v", "sl"),
    "umask": ("i", "i"),
    "umount_all": ("v", ""),
    "vfs_label": ("s", "s"),
    "vfs_type": ("s", "s"),
    "vfs_uuid": ("s", "s"),
    "vg_activate_all": ("v", "i"),
    "vgchange_uuid_all": ("v", ""),
    "write": ("v", "sb"),
    "xfs_repair_argv": ("i", "so"),
}

STRUCTS: Final[dict[str, Any]] = {
    "statns": StatNS,
    "statvfs": StatVFS,
    "statns_list": StatNSList,
    "xattr_list": XAttrList,
    "dirent_list": DirentList,
    "btrfssubvolume_list": SubvolumeList,
}

_RETURNS: Final[dict[str, Any]] = {
    "v": c_int,
    "i": c_int,
    "l": c_int64,
    "c": c_char_p,
    "s": c_void_p,
    "S": POINTER(c_void_p),
    "H": POINTER(c_void_p),
    "b": c_void_p,
}
_TAKES: Final[dict[str, list[Any]]] = {
    "s": [c_char_p],
    "i": [c_int],
    "l": [c_int64],
    "S": [POINTER(c_char_p)],
    "b": [c_char_p, c_size_t],
    "B": [c_char_p, c_int],
    "o": [c_void_p],
}


def load() -> ctypes.CDLL:
    """Load libguestfs and declare every call.

    Raises:
        DriverMissing: the library is not installed, or too old to have all calls.
    """
    try:
        library = ctypes.CDLL(LIBRARY, use_errno=True)
    except OSError as problem:
        raise DriverMissing(driver="appliance", needs=LIBRARY, advice=ADVICE) from problem
    try:
        _declare(library)
    except AttributeError as problem:
        raise DriverMissing(driver="appliance", needs="libguestfs 1.36 or later", advice=ADVICE) from problem
    return library


def _declare(library: ctypes.CDLL) -> None:
    for name, (returns, takes) in CALLS.items():
        function = getattr(library, f"guestfs_{name}")
        function.argtypes = [c_void_p, *(kind for letter in takes for kind in _TAKES[letter])]
        if returns == "b":
            function.argtypes.append(POINTER(c_size_t))
        function.restype = _RETURNS[returns] if returns in _RETURNS else POINTER(STRUCTS[returns])
    for name in STRUCTS:
        free = getattr(library, f"guestfs_free_{name}")
        free.argtypes, free.restype = [c_void_p], None
    library.guestfs_create_flags.argtypes, library.guestfs_create_flags.restype = [ctypes.c_uint], c_void_p
    library.guestfs_parse_environment.argtypes = [c_void_p]
    library.guestfs_close.argtypes, library.guestfs_close.restype = [c_void_p], None
    library.guestfs_last_error.argtypes, library.guestfs_last_error.restype = [c_void_p], c_char_p
    library.guestfs_last_errno.argtypes, library.guestfs_last_errno.restype = [c_void_p], c_int
    library.guestfs_set_error_handler.argtypes = [c_void_p, c_void_p, c_void_p]
    library.guestfs_set_error_handler.restype = None
    library.guestfs_set_event_callback.argtypes = [c_void_p, EventCallback, c_uint64, c_int, c_void_p]
    library.guestfs_set_event_callback.restype = c_int


_libc = ctypes.CDLL(None)
_libc.free.argtypes, _libc.free.restype = [c_void_p], None


def free(pointer: Any) -> None:
    """`free(3)` for what a call returned."""
    _libc.free(pointer)
