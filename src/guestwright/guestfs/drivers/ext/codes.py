"""Error codes of libext2fs, turned into our errors.

The numbers are those of `ext2_err.h` (com_err table "ext2", base 2133571328, append-only); codes below 4096
are errno values.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.guestfs.drivers.ext.bindings import ERROR_LIBRARY
from guestwright.guestfs.errors import (
    AlreadyExists,
    Corrupt,
    DriverFailed,
    NoSpace,
    NotFound,
    TooLarge,
    UnsupportedFilesystem,
)

BASE: Final = 2133571328
SHORT_READ: Final = BASE + 36
SHORT_WRITE: Final = BASE + 37
DIR_NO_SPACE: Final = BASE + 38
DIRHASH_UNSUPPORTED: Final = BASE + 89
EA_KEY_NOT_FOUND: Final = BASE + 162
EA_NO_SPACE: Final = BASE + 163
MISSING_EA_FEATURE: Final = BASE + 164

_ERRNO_LIMIT: Final = 4096
_NO_ROOM: Final = frozenset({DIR_NO_SPACE, BASE + 43, BASE + 72, BASE + 73, EA_NO_SPACE, 28})
_NOT_FOUND: Final = frozenset({BASE + 76, EA_KEY_NOT_FOUND})
_EXISTS: Final = frozenset({BASE + 79, BASE + 155})
_TOO_BIG: Final = frozenset({BASE + 82})
_UNSUPPORTED: Final = frozenset({BASE + 20, BASE + 67, BASE + 68, DIRHASH_UNSUPPORTED, MISSING_EA_FEATURE})
_OURS: Final = frozenset({BASE + 21, BASE + 70, BASE + 71, 12})  # read-only, memory, argument, ENOMEM


def describe(code: int) -> str:
    """The library's own words for a code, in English, or its number where libcom_err is not installed."""
    if 0 < code < _ERRNO_LIMIT:
        return os.strerror(code)
    try:
        table = ctypes.CDLL(ERROR_LIBRARY)
    except OSError:
        return f"libext2fs error {code}"
    table.error_message.argtypes = (ctypes.c_long,)
    table.error_message.restype = ctypes.c_char_p
    text: bytes | None = table.error_message(code)
    return text.decode("utf-8", "replace") if text else f"libext2fs error {code}"


def as_error(code: int, *, filesystem: str, doing: str) -> GuestwrightError:
    """The error that a non-zero code means.

    Args:
        code: what a function of libext2fs returned.
        filesystem: id of the filesystem.
        doing: what was tried, for the message ("reading inode 12").
    """
    if code in _NO_ROOM:
        return NoSpace(path="")
    if code in _NOT_FOUND:
        return NotFound(path="")
    if code in _EXISTS:
        return AlreadyExists(path="")
    if code in _TOO_BIG:
        return TooLarge(path="", size="the new size", limit="what this filesystem can hold in a file")
    detail = f"{doing}: {describe(code)}"
    if code in _UNSUPPORTED:
        return UnsupportedFilesystem(filesystem=filesystem, detail=detail, advice="use the appliance driver")
    if code in _OURS:
        return DriverFailed(driver="ext", detail=detail)
    return Corrupt(filesystem=filesystem, detail=detail)
