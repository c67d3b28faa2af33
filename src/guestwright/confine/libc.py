"""The few libc calls that the standard library does not offer, through ctypes.

Every function raises OSError with the kernel's errno. Works on any Linux libc that exports `syscall`.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_syscall: Final = _LIBC.syscall
_syscall.restype = ctypes.c_long
_prctl: Final = _LIBC.prctl
_prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_mount: Final = _LIBC.mount
_mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_umount2: Final = _LIBC.umount2
_umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_unshare: Final = _LIBC.unshare
_unshare.argtypes = [ctypes.c_int]

# <linux/prctl.h>
PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_SECCOMP: Final = 22
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

# <linux/mount.h>
MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REC: Final = 1 << 14
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Call the kernel by number. Integers are passed as longs, bytes and buffers as pointers."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_syscall(ctypes.c_long(number), *words))


def prctl(option: int, argument: int | None = 0, *more: int) -> int:
    """Control the calling thread (prctl, section 2) with up to four integer arguments."""
    words = [argument or 0, *more]
    return _checked(_prctl(option, *words, *[0] * (4 - len(words))))


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount `source` at `target` (section 2 of the manual)."""
    _checked(
        _mount(
            os.fsencode(source),
            os.fsencode(target),
            None if kind is None else os.fsencode(kind),
            flags,
            None if options is None else os.fsencode(options),
        )
    )


def umount(target: str, flags: int) -> None:
    """Unmount `target`."""
    _checked(_umount2(os.fsencode(target), flags))


def unshare(flags: int) -> None:
    """Leave namespaces that are shared with others; the standard library has it from Python 3.12 on."""
    _checked(_unshare(flags))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
