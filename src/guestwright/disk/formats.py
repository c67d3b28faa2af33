"""Which format an image has: stated by the caller, never guessed from what a guest can write.

A raw image's first bytes belong to the guest, who could write a qcow2 header that names any file of the host
(CVE-2010-3851). So the content may only contradict a stated format, never choose one.
"""

from __future__ import annotations

import os
import stat
from enum import StrEnum
from typing import Final

from guestwright.base.errors import UsageError
from guestwright.base.record import record
from guestwright.disk.errors import FormatMismatch, FormatNotStated


class ImageFormat(StrEnum):
    """Image formats, by QEMU's names ("vpc" is VHD)."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VMDK = "vmdk"
    VDI = "vdi"
    VHDX = "vhdx"
    VPC = "vpc"


ALL_FORMATS: Final = ", ".join(ImageFormat)
HEAD_SIZE: Final = 512

_BY_SUFFIX: Final = {".raw": ImageFormat.RAW, ".img": ImageFormat.RAW, ".qcow2": ImageFormat.QCOW2}

# (offset, magic, what it is called, the format it belongs to)
_MAGICS: Final[tuple[tuple[int, bytes, str, str], ...]] = (
    (0, b"QFI\xfb", "qcow2", "qcow2"),
    (0, b"KDMV", "a VMDK image", "vmdk"),
    (0, b"COWD", "a VMDK image (COWD)", "vmdk"),
    (0, b"# Disk DescriptorFile", "a VMDK descriptor", "vmdk"),
    (0, b"vhdxfile", "a VHDX image", "vhdx"),
    (0, b"conectix", "a VHD image", "vpc"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image", "vdi"),
    (0, b"QED\0", "a QED image", "qed"),
    (0, b"WithoutFreeSpace", "a Parallels image", "parallels"),
    (0, b"WithouFreSpacExt", "a Parallels image", "parallels"),
    (0, b"Bochs Virtual HD Image", "a Bochs image", "bochs"),
)


@record(kw_only=False)
class Choice:
    """A format and whether the caller stated it (rather than the file's name)."""

    format: ImageFormat
    stated: bool


def choose_format(path: str, stated: str | None) -> Choice:
    """Decide an image's format without looking into it.

    Args:
        path: of the image.
        stated: what the caller said; None for nothing.

    Returns:
        The stated format, else the one that the suffix `.raw`, `.img` or `.qcow2` stands for.

    Raises:
        FormatNotStated: nothing stated, and another suffix, or a block device (whose name means nothing).
        UsageError: an unknown format was stated.
    """
    if stated is not None:
        try:
            return Choice(ImageFormat(stated.lower()), stated=True)
        except ValueError as error:
            raise UsageError(problem=f"unknown image format {stated!r}; known: {ALL_FORMATS}") from error
    try:
        is_device = stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        is_device = False  # opening it will say what is wrong
    if is_device:
        raise FormatNotStated(path=path, reason="it is a block device", formats=ALL_FORMATS)
    suffix = os.path.splitext(path)[1].lower()
    found = _BY_SUFFIX.get(suffix)
    if found is None:
        raise FormatNotStated(
            path=path, reason=f"its name does not tell ({suffix or 'no suffix'})", formats=ALL_FORMATS
        )
    return Choice(found, stated=False)


def check_format(path: str, choice: Choice, head: bytes, tail: bytes) -> None:
    """Refuse an image whose content contradicts its format.

    Args:
        path: for messages.
        choice: as of `choose_format`.
        head: its first 512 bytes (fewer when it is smaller).
        tail: its last 512 bytes; a fixed VHD has its magic only there.

    Raises:
        FormatMismatch: the magic of `choice.format` is missing; or, for a raw image whose format was not
            stated, the magic of another format is there.
    """
    found = _recognise(head)
    if choice.format is ImageFormat.RAW:
        if found is not None and not choice.stated:
            raise FormatMismatch(path=path, expected="raw", found=found[0], found_format=found[1])
        return
    if found is not None and found[1] == choice.format:
        return
    if choice.format is ImageFormat.VPC and tail.startswith(b"conectix"):
        return
    name, other = found or ("no known format", "raw")
    raise FormatMismatch(path=path, expected=str(choice.format), found=name, found_format=other)


def _recognise(head: bytes) -> tuple[str, str] | None:
    for offset, magic, name, image_format in _MAGICS:
        if head.startswith(magic, offset):
            return name, image_format
    return None
