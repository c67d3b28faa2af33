"""What is said to the driver xeniface: requests to the store as calls of a device. Pure.

Source: xeniface's include/xeniface_ioctls.h and src/xeniface/ioctl_store.c, of the Xen project's Windows PV
drivers (read in XCP-ng's copy); the layout is that of 64-bit Windows.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# {B2CFB085-AA5E-47E1-8BF7-9793F3154565}: the class of device interface, as it lies in memory.
INTERFACE: Final = struct.pack(
    "<IHH8B", 0xB2CFB085, 0xAA5E, 0x47E1, 0x8B, 0xF7, 0x97, 0x93, 0xF3, 0x15, 0x45, 0x65
)

_UNKNOWN: Final = 0x22  # FILE_DEVICE_UNKNOWN


def _code(function: int) -> int:
    """CTL_CODE(FILE_DEVICE_UNKNOWN, function, METHOD_BUFFERED, FILE_ANY_ACCESS)."""
    return _UNKNOWN << 16 | function << 2


READ: Final = _code(0x800)
WRITE: Final = _code(0x801)
DIRECTORY: Final = _code(0x802)
REMOVE: Final = _code(0x803)
ADD_WATCH: Final = _code(0x805)

OUT_MAX: Final = 1 << 14  # bytes of an answer; the store's own are at most 4 KiB
WATCH_OUT: Final = 8  # bytes: the driver wants exactly so many
_WATCH: Final = struct.Struct("<QI4xQ")  # address of the path, its length with the NUL, event

# Windows' numbers for what the driver and the store refuse.
_ERRORS: Final = {
    2: "ENOENT",
    3: "ENOENT",
    5: "EACCES",
    8: "ENOMEM",
    14: "ENOMEM",
    19: "EROFS",
    39: "ENOSPC",
    50: "ENOSYS",
    87: "EINVAL",
    112: "ENOSPC",
    170: "EBUSY",
    183: "EEXIST",
    1450: "ENOSPC",
    1816: "EQUOTA",
}


def errno(number: int) -> str:
    """The store's name for an error of Windows."""
    return _ERRORS.get(number, "EIO")


def path(value: bytes) -> bytes:
    """A path, for `READ`, `DIRECTORY` and `REMOVE`."""
    return value + b"\0"


def assignment(where: bytes, value: bytes) -> bytes:
    """A path and a value, for `WRITE`.

    Raises:
        ValueError: the value has a NUL in it, which the driver takes for its end.
    """
    if b"\0" in value:
        raise ValueError("the driver cannot write a NUL")
    return where + b"\0" + value + b"\0\0"


def watch(address: int, size: int, event: int) -> bytes:
    """What `ADD_WATCH` takes: where the path is in memory, its length with the NUL, the event to be set."""
    return _WATCH.pack(address, size, event)


def value(answer: bytes) -> bytes:
    """The value in the answer to `READ`."""
    return answer.partition(b"\0")[0]


def names(answer: bytes) -> bytes:
    """The names in the answer to `DIRECTORY`, each with a NUL behind it, as the wire has them."""
    end = 0
    while end < len(answer) and answer[end : end + 1] != b"\0":
        found = answer.find(b"\0", end)
        if found < 0:
            break
        end = found + 1
    return answer[:end]
