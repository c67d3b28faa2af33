"""Discs in the guest's drives: whether there is one, what it is called, a file in its top directory.

Theory of operation: the few structures of ISO 9660 that lead to a file of the top directory are read here,
so that nothing has to be mounted and no driver of the kernel parses what the host put in. Joliet's names
come first, because they are those the file really has. Sizes are bounded.

Source: ECMA-119, sections 8.4 (volume descriptors) and 9.1 (directory records); Joliet specification, 1995.
"""

from __future__ import annotations

import os

from guestwright.agent.unix.files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

SECTOR: Final = 2048
FILE_MAX: Final = 1 << 20  # bytes; xapi takes 32 KiB
_DIRECTORY_MAX: Final = 1 << 18
_DESCRIPTORS_MAX: Final = 16
_DRIVES_MAX: Final = 32
_IS_DIRECTORY: Final = 2
_JOLIET: Final = (b"%/@", b"%/C", b"%/E")


class BadDisc(ValueError):
    """There is no such file, or the disc is not in a known format."""


def drives(root: str = "/") -> list[str]:
    """Block devices that may hold a disc: CD drives, and disks that cannot be written (PV CD drives)."""
    top = root.rstrip("/")
    found = []
    for name in sorted(_listed(f"{top}/sys/block"))[: 16 * _DRIVES_MAX]:
        read_only = Files().data(f"{top}/sys/block/{name}/ro", 1) == b"1"
        if name.startswith("sr") or (name.startswith(("xvd", "vd", "hd")) and read_only):
            found.append(f"{top}/dev/{name}")
    return found[:_DRIVES_MAX]


def label(device: str) -> str | None:
    """The volume identifier of the disc in a drive; None when there is no disc that can be read."""
    try:
        fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        for kind, data in _descriptors(fd):
            if kind == 1:
                return data[40:72].decode("ascii", "replace").rstrip(" \0")
    except (OSError, BadDisc):
        return None
    finally:
        os.close(fd)
    return None


def read_file(device: str, name: str) -> bytes:
    """The contents of a file of the top directory; upper and lower case are the same.

    Raises:
        BadDisc: see there.
        OSError: the disc cannot be read.
    """
    fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        known = sorted(_descriptors(fd), key=lambda one: -one[0])
        for kind, data in known:
            joliet = kind == 2 and data[88:91] in _JOLIET
            if kind != 1 and not joliet:
                continue
            start, size = _extent(data[156:190])
            for found, place, length in _records(_read(fd, start, min(size, _DIRECTORY_MAX)), joliet=joliet):
                if found.lower() == name.lower():
                    if length > FILE_MAX:
                        raise BadDisc(f"{name} is longer than {FILE_MAX} bytes")
                    return _read(fd, place, length)
    finally:
        os.close(fd)
    raise BadDisc(f"the disc has no {name}")


def _descriptors(fd: int) -> Iterator[tuple[int, bytes]]:
    for number in range(16, 16 + _DESCRIPTORS_MAX):
        data = _read(fd, number, SECTOR)
        if data[1:6] != b"CD001" or data[0] == 255:
            return
        yield data[0], data


def _records(directory: bytes, *, joliet: bool) -> Iterator[tuple[str, int, int]]:
    """Names, places and lengths of the files of a directory."""
    at = 0
    while at < len(directory):
        size = directory[at]
        if size < 34:
            at = (at // SECTOR + 1) * SECTOR  # no record crosses a sector's end
            continue
        record = directory[at : at + size]
        at += size
        raw = record[33 : 33 + record[32]]
        if record[25] & _IS_DIRECTORY:
            continue
        name = raw.decode("utf-16-be" if joliet else "ascii", "replace").split(";")[0]
        start, length = _extent(record)
        yield name.rstrip("."), start, length


def _extent(record: bytes) -> tuple[int, int]:
    if len(record) < 34:
        raise BadDisc("a directory record is cut off")
    return int.from_bytes(record[2:6], "little"), int.from_bytes(record[10:14], "little")


def _read(fd: int, sector: int, size: int) -> bytes:
    data = os.pread(fd, size, sector * SECTOR)
    if len(data) != size:
        raise BadDisc("the disc ends too early")
    return data


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
