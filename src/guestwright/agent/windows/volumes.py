r"""Drives by their letters: file systems, and what lies in CD drives.

Source: Microsoft's GetLogicalDrives, GetDriveTypeW, GetVolumeInformationW, GetDiskFreeSpaceExW.
"""

from __future__ import annotations

import ctypes

from guestwright.agent.core.facts import Filesystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from guestwright.agent.windows.native import Native

_FIXED: Final = 3  # DRIVE_FIXED
_CD: Final = 5  # DRIVE_CDROM
_LETTERS: Final = 26
_NAME_MAX: Final = 261  # characters, MAX_PATH + 1
_SERIAL: Final = "{:04X}-{:04X}"


def cd_drives(native: Native) -> list[str]:
    """Roots of CD drives, with or without a disc."""
    return [root for root in _roots(native) if native("GetDriveTypeW", root) == _CD]


def label(native: Native, root: str) -> str | None:
    """The name of the volume in a drive; None when there is none."""
    found = _volume(native, root)
    return found[0] if found is not None else None


def filesystems(native: Native) -> tuple[Filesystem, ...]:
    """The file systems of fixed disks."""
    found = []
    for root in _roots(native):
        if native("GetDriveTypeW", root) != _FIXED:
            continue
        volume = _volume(native, root)
        free, size = ctypes.c_uint64(), ctypes.c_uint64()
        spaces = (ctypes.byref(free), ctypes.byref(size), None)
        if volume is None or not native("GetDiskFreeSpaceExW", root, *spaces):
            continue
        name, serial, kind = volume
        found.append(
            Filesystem(
                device=root[:2],
                kind=kind.lower(),
                size=size.value,
                free=free.value,
                mounts=(root,),
                uuid=_SERIAL.format(serial >> 16, serial & 0xFFFF) if serial else "",
                label=name,
            )
        )
    return tuple(found)


def _roots(native: Native) -> Iterator[str]:
    bits = native("GetLogicalDrives")
    for number in range(_LETTERS):
        if bits >> number & 1:
            yield f"{chr(ord('A') + number)}:\\"


def _volume(native: Native, root: str) -> tuple[str, int, str] | None:
    """Name, serial number and kind of file system."""
    name = ctypes.create_string_buffer(2 * _NAME_MAX)
    kind = ctypes.create_string_buffer(2 * _NAME_MAX)
    serial = ctypes.c_uint32()
    numbers = (ctypes.byref(serial), None, None)
    if not native("GetVolumeInformationW", root, name, _NAME_MAX, *numbers, kind, _NAME_MAX):
        return None
    return _text(name), serial.value, _text(kind)


def _text(buffer: ctypes.Array[ctypes.c_char]) -> str:
    return bytes(buffer).decode("utf-16-le", "replace").split("\0")[0]
