"""Reading superblocks from a device: never past its end, and identifiers printed as blkid(8) prints them."""

from __future__ import annotations

from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.base.record import record

_HEAD: Final = 72 << 10  # holds nearly every superblock: those of btrfs and ReiserFS start at 64 KiB


@record
class Signature:
    """What a device holds.

    Attributes:
        type: blkid's name ("ext4", "crypto_LUKS", "swap", …); "" when nothing is recognised.
        uuid: as blkid prints it; "" when there is none.
        label: "" when there is none.
        detail: more about it: "fat32", the version of LUKS or RAID metadata, "hibernated".
    """

    type: str = ""
    uuid: str = ""
    label: str = ""
    detail: str = ""


class Surface:
    """A device as endless bytes: past its end there are zeros. The first 72 KiB are read once.

    Args:
        device: to read from.
    """

    __slots__ = ("_device", "_head", "size")

    def __init__(self, device: BlockDevice) -> None:
        self._device = device
        self.size: Final = device.size
        self._head = device.read(0, min(_HEAD, self.size))

    def at(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, zeros where the device has none."""
        if offset >= 0 and offset + length <= len(self._head):
            return self._head[offset : offset + length]
        if not 0 <= offset < self.size:
            return bytes(length)
        return self._device.read(offset, min(length, self.size - offset)).ljust(length, b"\0")


def le(data: bytes) -> int:
    """Little-endian unsigned integer."""
    return int.from_bytes(data, "little")


def be(data: bytes) -> int:
    """Big-endian unsigned integer."""
    return int.from_bytes(data, "big")


def uuid_text(data: bytes) -> str:
    """Sixteen bytes in the usual form, lower case; "" when all are zero."""
    if len(data) != 16 or not any(data):
        return ""
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def guid_text(data: bytes) -> str:
    """Sixteen bytes of a GUID, whose first three fields are little-endian (UEFI 2.10, appendix A)."""
    return uuid_text(data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:])


def serial_text(number: int) -> str:
    """A FAT or exFAT serial number: "12AB-34CD"; "" for 0."""
    return f"{number >> 16:04X}-{number & 0xFFFF:04X}" if number else ""


def label_text(data: bytes, encoding: str = "utf-8") -> str:
    """A label up to its first NUL, without blanks at its end."""
    if encoding == "utf-16-le":
        text = data[: len(data) & ~1].decode(encoding, "replace").split("\0", 1)[0]
    else:
        text = data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    return text.rstrip(" \t\n\v\f\r")
