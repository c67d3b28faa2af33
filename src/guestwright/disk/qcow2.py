"""The header of a qcow2 image (QEMU's docs/interop/qcow2.txt), as far as safety needs it. Pure."""

from __future__ import annotations

import struct
from typing import Final

from guestwright.base.record import record
from guestwright.disk.errors import ImageCorrupt, ImageUnsupported

MAGIC: Final = b"QFI\xfb"
HEADER_BYTES: Final = 1 << 21  # extensions and backing name lie in the first cluster; clusters end at 2 MiB

_FIXED: Final = struct.Struct(">4sIQIIQIIQQIIQ")  # 72 bytes: version 2, and the start of version 3
_FEATURES: Final = struct.Struct(">QQQII")
_EXTENSION: Final = struct.Struct(">II")
_DIRTY, _CORRUPT, _EXTERNAL_DATA, _COMPRESSION, _EXTENDED_L2 = (1 << bit for bit in range(5))
_KNOWN: Final = _DIRTY | _CORRUPT | _EXTERNAL_DATA | _COMPRESSION | _EXTENDED_L2
_LAZY_REFCOUNTS: Final = 1
_EXT_END: Final = 0
_EXT_BACKING_FORMAT: Final = 0xE2792ACA
_EXT_DATA_FILE: Final = 0x44415441
_EXT_BITMAPS: Final = 0x23852875
_MAX_NAME: Final = 1023


@record
class Qcow2Header:
    """What a qcow2 header says.

    Attributes:
        version: 2 or 3.
        size: of the disk, bytes.
        cluster_bits: a cluster has two to the power of this many bytes.
        l1_offset, l1_size: of the first table of the mapping: place in the file, and entries.
        extended_l2: the mapping has finer entries (subclusters).
        backing_file: as stored; None without.
        backing_format: as stated in the header extension; "" when it is not.
        has_data_file: the disk's content lies in another file.
        data_file: its name as stored; "" when the header does not tell.
        snapshots: how many internal snapshots.
        encryption: 0 none, 1 AES, 2 LUKS.
        dirty: not closed properly; QEMU repairs it when it opens the image for writing.
        lazy_refcounts, bitmaps: whether the image has them.
    """

    version: int
    size: int
    cluster_bits: int
    l1_offset: int
    l1_size: int
    extended_l2: bool
    backing_file: bytes | None
    backing_format: str
    has_data_file: bool
    data_file: bytes
    snapshots: int
    encryption: int
    dirty: bool
    lazy_refcounts: bool
    bitmaps: bool


def parse_header(data: bytes, path: str) -> Qcow2Header:
    """Parse a qcow2 header.

    Args:
        data: the image's first 2 MiB, or all of it when it is smaller.
        path: for messages.

    Raises:
        ImageCorrupt: not a sound header, or the image is marked as corrupt.
        ImageUnsupported: a version or incompatible feature that is not known.
    """
    if len(data) < _FIXED.size or not data.startswith(MAGIC):
        raise ImageCorrupt(path=path, detail="no qcow2 header")
    fields = _FIXED.unpack_from(data)
    version, backing_offset, backing_size, cluster_bits = fields[1:5]
    if version not in {2, 3}:
        raise ImageUnsupported(path=path, detail=f"qcow version {version}; only 2 and 3 are supported")
    if not 9 <= cluster_bits <= 21:
        raise ImageCorrupt(path=path, detail=f"cluster size of 2^{cluster_bits} bytes")
    incompatible = compatible = 0
    length = _FIXED.size
    if version == 3:
        if len(data) < _FIXED.size + _FEATURES.size:
            raise ImageCorrupt(path=path, detail="header is cut off")
        incompatible, compatible, _, _, length = _FEATURES.unpack_from(data, _FIXED.size)
    cluster = data[: 1 << cluster_bits]
    if not _FIXED.size <= length <= len(cluster):
        raise ImageCorrupt(path=path, detail=f"header length of {length} bytes")
    _check_features(incompatible, path)
    backing = _name(cluster, backing_offset, backing_size, path) if backing_offset else None
    extensions = _extensions(cluster, length, backing_offset or len(cluster), path)
    return Qcow2Header(
        version=version,
        size=fields[5],
        cluster_bits=cluster_bits,
        l1_offset=fields[8],
        l1_size=fields[7],
        extended_l2=bool(incompatible & _EXTENDED_L2),
        backing_file=backing,
        backing_format=extensions.get(_EXT_BACKING_FORMAT, b"").decode("ascii", "replace"),
        has_data_file=bool(incompatible & _EXTERNAL_DATA),
        data_file=extensions.get(_EXT_DATA_FILE, b""),
        snapshots=fields[11],
        encryption=fields[6],
        dirty=bool(incompatible & _DIRTY),
        lazy_refcounts=bool(compatible & _LAZY_REFCOUNTS),
        bitmaps=_EXT_BITMAPS in extensions,
    )


def _check_features(incompatible: int, path: str) -> None:
    if incompatible & ~_KNOWN:
        raise ImageUnsupported(path=path, detail=f"unknown qcow2 features {incompatible & ~_KNOWN:#x}")
    if incompatible & _CORRUPT:
        raise ImageCorrupt(path=path, detail="QEMU has marked the image as corrupt")


def _name(cluster: bytes, offset: int, size: int, path: str) -> bytes:
    if not 0 < size <= _MAX_NAME or offset + size > len(cluster):
        raise ImageCorrupt(path=path, detail="backing file name lies outside of the header")
    return cluster[offset : offset + size]


def _extensions(cluster: bytes, position: int, end: int, path: str) -> dict[int, bytes]:
    """Header extensions by type; each step goes forward, so the loop ends."""
    found: dict[int, bytes] = {}
    end = min(end, len(cluster))
    while position + _EXTENSION.size <= end:
        kind, length = _EXTENSION.unpack_from(cluster, position)
        if kind == _EXT_END:
            break
        position += _EXTENSION.size
        if length > end - position:
            raise ImageCorrupt(path=path, detail="a header extension is cut off")
        found.setdefault(kind, cluster[position : position + length])
        position += (length + 7) & ~7
    return found
