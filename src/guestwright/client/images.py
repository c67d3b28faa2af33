"""A disk's file on this side: which format it has, how large the disk in it is, and its pieces."""

from __future__ import annotations

import os
from typing import Final

from guestwright.base.record import record
from guestwright.client.errors import LocalImageBad
from guestwright.disk.formats import HEAD_SIZE, ImageFormat, check_format, choose_format

_SECTOR: Final = 512
_SIZE_AT: Final = slice(24, 32)  # of qcow2: QEMU, docs/interop/qcow2.txt


@record
class Image:
    """A file that is to be uploaded.

    Attributes:
        path: of it.
        format: "raw" or "qcow2".
        size: of the disk in it, bytes.
        file_size: of the file, bytes.
    """

    path: str
    format: str
    size: int
    file_size: int


def look_at(path: str, stated: str, size: int | None) -> Image:
    """What a file is, by what is said of it and by its name; its content may only contradict that.

    Args:
        path: of the file.
        stated: format; "" to go by the suffix.
        size: of the disk in it, bytes; None to go by the file.

    Raises:
        FormatNotStated, FormatMismatch, UsageError: the format cannot be.
        LocalImageBad: it cannot be read, or is no disk.
    """
    choice = choose_format(path, stated or None)
    if choice.format not in (ImageFormat.RAW, ImageFormat.QCOW2):
        raise LocalImageBad(path=path, problem=f"{choice.format} cannot be uploaded; convert it to qcow2")
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_SIZE)
            file_size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise LocalImageBad(path=path, problem=error.strerror or str(error)) from error
    check_format(path, choice, head, b"")
    if size is None:
        raw = choice.format is ImageFormat.RAW
        size = file_size if raw else int.from_bytes(head[_SIZE_AT], "big")
    if file_size == 0 or size % _SECTOR:
        raise LocalImageBad(path=path, problem=f"a disk of {size} bytes is no whole sectors of {_SECTOR}")
    return Image(path=path, format=choice.format, size=size, file_size=file_size)


def piece_of(path: str, start: int, end: int) -> bytes:
    """Bytes of a file.

    Raises:
        LocalImageBad: they are not there any more.
    """
    try:
        with open(path, "rb") as file:
            data = os.pread(file.fileno(), end - start, start)
    except OSError as error:
        raise LocalImageBad(path=path, problem=error.strerror or str(error)) from error
    if len(data) != end - start:
        raise LocalImageBad(path=path, problem="it has become shorter meanwhile")
    return data


class PartFile:
    """A file that grows beside its name (`.part`), and has it when it is whole.

    Args:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._part = f"{path}.part"
        self._file = open(self._part, "wb")  # noqa: SIM115 - `close` closes it

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self._file.tell()

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self._file.write(data)

    def empty(self) -> None:
        """Begin anew."""
        self._file.seek(0)
        self._file.truncate()

    def keep(self) -> None:
        """It is whole."""
        self._file.flush()
        os.fsync(self._file.fileno())
        os.replace(self._part, self._path)

    def close(self) -> None:
        """Close it; what is not whole stays beside."""
        self._file.close()
