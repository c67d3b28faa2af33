"""The header of a VMDK image (VMware "Virtual Disk Format 5.0"), as far as safety needs it. Pure.

Only one file with an embedded descriptor is accepted: monolithicSparse, and for reading also streamOptimized,
its compressed form. Everything else names other files of the host: text descriptors, split and flat extents,
links to a parent.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from guestwright.disk.errors import ImageCorrupt, ImageUnsupported

MAGIC: Final = b"KDMV"
SPARSE: Final = "monolithicSparse"
STREAM: Final = "streamOptimized"
HEADER_BYTES: Final = 1 << 20
_SECTOR: Final = 512
_MAX_DESCRIPTOR: Final = 128  # sectors; writers use 20
_HEADER: Final = struct.Struct("<4sIIQQQQIQQQ")  # up to and with overHead
_EXTENT: Final = re.compile(rb'(RW|RDONLY|NOACCESS)\s+(\d{1,20})\s+SPARSE\s+"([^"/\\\n]{1,255})"')


def check_header(data: bytes, path: str, kinds: tuple[str, ...] = (SPARSE,)) -> None:
    """Refuse a VMDK image that is anything but one file without a parent.

    Args:
        data: the image's first 1 MiB, or all of it when it is smaller.
        path: for messages.
        kinds: that are accepted: `SPARSE`, and `STREAM` where it is only read.

    Raises:
        ImageUnsupported: another kind of VMDK.
        ImageCorrupt: not a sound header.
    """
    if data.startswith((b"# Disk DescriptorFile", b"COWD")):
        raise ImageUnsupported(
            path=path, detail="a VMDK that consists of several files; only monolithicSparse is supported"
        )
    if len(data) < _HEADER.size or not data.startswith(MAGIC):
        raise ImageCorrupt(path=path, detail="no VMDK header")
    fields = _HEADER.unpack_from(data)
    capacity, offset, sectors = fields[3], fields[5], fields[6]
    if capacity == 0 or offset == 0 or not 0 < sectors <= _MAX_DESCRIPTOR:
        raise ImageUnsupported(path=path, detail="a VMDK without an embedded descriptor")
    if (offset + sectors) * _SECTOR > len(data):
        raise ImageCorrupt(path=path, detail="the VMDK descriptor lies outside of the header")
    text = data[offset * _SECTOR : (offset + sectors) * _SECTOR].split(b"\0", 1)[0]
    _check_descriptor(text, path, kinds)


def _check_descriptor(text: bytes, path: str, kinds: tuple[str, ...]) -> None:
    lines = [line.strip() for line in text.splitlines()]
    values = dict(_pairs(lines))
    kind = values.get(b"createtype", b"").decode("ascii", "replace")
    if kind not in kinds:
        known = " and ".join(kinds)
        raise ImageUnsupported(path=path, detail=f"a VMDK of type {kind!r}; only {known} is supported")
    if b"parentfilenamehint" in values or values.get(b"parentcid", b"ffffffff") != b"ffffffff":
        raise ImageUnsupported(path=path, detail="a VMDK with a parent")
    extents = [line for line in lines if line.startswith((b"RW", b"RDONLY", b"NOACCESS"))]
    # The extent's name is not compared with the file's: QEMU ignores it too, and renamed images are common.
    if len(extents) != 1 or not _EXTENT.fullmatch(extents[0]):
        raise ImageUnsupported(path=path, detail="a VMDK whose extents are not exactly the file itself")


def _pairs(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    pairs = (line.split(b"=", 1) for line in lines if b"=" in line and not line.startswith(b"#"))
    return [(name.strip().lower(), value.strip().strip(b'"')) for name, value in pairs]
