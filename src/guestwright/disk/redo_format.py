"""The bytes of a redo log: pure encoding and decoding.

Layout, all big-endian:
  header   magic "GWREDO01", length of the header, id, the images (path, format, flags, sizes, inode), CRC 32
  record*  "R", disk, offset, length, CRC 32 of the data; CRC 32 of every 512 bytes that the disk held before;
           CRC 32 of the record so far; the data
  trailer  "T", id, number of records, bytes of data, SHA-256 of header and record heads, CRC 32
A log counts only with a trailer. The old content's checksums tell, sector by sector, an image that the log
belongs to (old or new content) from another one that came to lie at its path.

A pointer, for the other images of the same change: magic "GWPTR001", id, index of the image, path of the log.
"""

from __future__ import annotations

import struct
from typing import Final
from zlib import crc32

from guestwright.base.record import record

MAGIC: Final = b"GWREDO01"
POINTER_MAGIC: Final = b"GWPTR001"
ID_SIZE: Final = 16
SECTOR: Final = 512
MAX_RECORD: Final = 1 << 20
MAX_HEADER: Final = 1 << 20
MAX_IMAGES: Final = 255
RECORD: Final = b"R"
TRAILER: Final = b"T"

HEADER_START: Final = struct.Struct(">8sI16sH")
RECORD_HEAD: Final = struct.Struct(">cHQII")
TRAILER_BODY: Final = struct.Struct(">c16sQQ32s")
CRC: Final = struct.Struct(">I")
_IMAGE: Final = struct.Struct(">H8sBQQQQQ")
_POINTER: Final = struct.Struct(">8s16sHH")
_ALLOW_BACKING, _ALLOW_SNAPSHOTS = 1, 2


class FormatError(ValueError):
    """The bytes are not those of a redo log, or not all of it."""


@record
class LoggedImage:
    """An image that a log changes.

    Attributes:
        path: absolute, symlinks resolved.
        format: name of its `ImageFormat`.
        allow_backing, allow_snapshots: as it was opened with.
        disk_size: of the disk in it, bytes.
        file_size: of the file, bytes; only a raw image's stays the same.
        device, inode, generation: of the file, as in `handle.Identity`.
    """

    path: str
    format: str
    allow_backing: bool
    allow_snapshots: bool
    disk_size: int
    file_size: int
    device: int
    inode: int
    generation: int


@record
class Header:
    """Head of a log: its random id and its images."""

    id: bytes
    images: tuple[LoggedImage, ...]


@record
class RecordHead:
    """Head of a record: where `length` bytes of data go, and their checksum."""

    disk: int
    offset: int
    length: int
    checksum: int

    @property
    def table_size(self) -> int:
        """Bytes of the table of old checksums."""
        return (self.length + SECTOR - 1) // SECTOR * 4


@record
class Trailer:
    """The commit mark: id of the log, number of records, bytes of data, digest."""

    id: bytes
    records: int
    size: int
    digest: bytes


@record
class Pointer:
    """Beside an image that another image's log changes: id and path of the log, index of the image in it."""

    id: bytes
    index: int
    log: str


def _seal(data: bytes) -> bytes:
    return data + CRC.pack(crc32(data))


def _unseal(data: bytes, what: str) -> bytes:
    body = data[: -CRC.size]
    if len(data) < CRC.size or CRC.unpack(data[-CRC.size :])[0] != crc32(body):
        raise FormatError(f"checksum of the {what} is wrong")
    return body


def encode_header(header: Header) -> bytes:
    """Bytes of the head of a log."""
    images = b"".join(_encode_image(image) for image in header.images)
    length = HEADER_START.size + len(images) + CRC.size
    return _seal(HEADER_START.pack(MAGIC, length, header.id, len(header.images)) + images)


def header_length(start: bytes) -> int:
    """Length of a header in bytes, from its first 30.

    Raises:
        FormatError: not the start of a log.
    """
    if len(start) < HEADER_START.size or not start.startswith(MAGIC):
        raise FormatError("not a redo log of this version")
    length = int(HEADER_START.unpack(start)[1])
    if not HEADER_START.size + CRC.size <= length <= MAX_HEADER:
        raise FormatError("absurd header length")
    return length


def decode_header(data: bytes) -> Header:
    """The head of a log from exactly its bytes.

    Raises:
        FormatError: not a whole, sound header.
    """
    body = _unseal(data, "header")
    _, _, log_id, count = HEADER_START.unpack_from(body)
    position = HEADER_START.size
    images: list[LoggedImage] = []
    for _ in range(count):
        image, position = _decode_image(body, position)
        images.append(image)
    if position != len(body) or not 0 < count <= MAX_IMAGES:
        raise FormatError("the header's list of images is malformed")
    return Header(id=log_id, images=tuple(images))


def _encode_image(image: LoggedImage) -> bytes:
    path = image.path.encode("utf-8", "surrogateescape")
    flags = _ALLOW_BACKING * image.allow_backing | _ALLOW_SNAPSHOTS * image.allow_snapshots
    numbers = (image.disk_size, image.file_size, image.device, image.inode, image.generation)
    return _IMAGE.pack(len(path), image.format.encode("ascii"), flags, *numbers) + path


def _decode_image(body: bytes, position: int) -> tuple[LoggedImage, int]:
    if position + _IMAGE.size > len(body):
        raise FormatError("the header's list of images is cut off")
    length, name, flags, disk_size, file_size, device, inode, generation = _IMAGE.unpack_from(body, position)
    position += _IMAGE.size
    path = body[position : position + length].decode("utf-8", "surrogateescape")
    image = LoggedImage(
        path=path,
        format=name.rstrip(b"\0").decode("ascii", "replace"),
        allow_backing=bool(flags & _ALLOW_BACKING),
        allow_snapshots=bool(flags & _ALLOW_SNAPSHOTS),
        disk_size=disk_size,
        file_size=file_size,
        device=device,
        inode=inode,
        generation=generation,
    )
    return image, position + length


def sector_checksums(data: bytes) -> bytes:
    """CRC 32 of every 512 bytes of `data` (the last piece may be shorter), four bytes each."""
    view = memoryview(data)
    checksums = [crc32(view[at : at + SECTOR]) for at in range(0, len(data), SECTOR)]
    return struct.pack(f">{len(checksums)}I", *checksums)


def decode_checksums(table: bytes) -> tuple[int, ...]:
    """The checksums that `sector_checksums` encoded."""
    return struct.unpack(f">{len(table) // 4}I", table)


def encode_record_head(head: RecordHead, table: bytes) -> bytes:
    """Bytes of a record up to its data. `table` is that of `sector_checksums` of the old content."""
    return _seal(RECORD_HEAD.pack(RECORD, head.disk, head.offset, head.length, head.checksum) + table)


def decode_record_head(data: bytes) -> RecordHead:
    """The fixed part of a record's head; `check_record_head` proves it later.

    Raises:
        FormatError: not a record, or longer than any we write.
    """
    tag, disk, offset, length, checksum = RECORD_HEAD.unpack(data)
    if tag != RECORD or not 0 < length <= MAX_RECORD:
        raise FormatError("malformed record")
    return RecordHead(disk=disk, offset=offset, length=length, checksum=checksum)


def check_record_head(data: bytes) -> bytes:
    """The table of old checksums from all bytes of a record up to its data.

    Raises:
        FormatError: the checksum is wrong.
    """
    return _unseal(data, "record")[RECORD_HEAD.size :]


def encode_trailer(trailer: Trailer) -> bytes:
    """Bytes of the commit mark."""
    return _seal(TRAILER_BODY.pack(TRAILER, trailer.id, trailer.records, trailer.size, trailer.digest))


def decode_trailer(data: bytes) -> Trailer:
    """The commit mark from exactly its bytes.

    Raises:
        FormatError: not a commit mark.
    """
    if len(data) != TRAILER_BODY.size + CRC.size or not data.startswith(TRAILER):
        raise FormatError("no commit mark")
    _, log_id, records, size, digest = TRAILER_BODY.unpack(_unseal(data, "commit mark"))
    return Trailer(id=log_id, records=records, size=size, digest=digest)


def encode_pointer(pointer: Pointer) -> bytes:
    """Bytes of a pointer file."""
    path = pointer.log.encode("utf-8", "surrogateescape")
    return _seal(_POINTER.pack(POINTER_MAGIC, pointer.id, pointer.index, len(path)) + path)


def decode_pointer(data: bytes) -> Pointer:
    """A pointer from exactly its bytes.

    Raises:
        FormatError: not a whole, sound pointer.
    """
    if not data.startswith(POINTER_MAGIC) or len(data) < _POINTER.size + CRC.size:
        raise FormatError("not a pointer to a redo log")
    body = _unseal(data, "pointer")
    _, log_id, index, length = _POINTER.unpack_from(body)
    path = body[_POINTER.size :]
    if len(path) != length:
        raise FormatError("malformed pointer")
    return Pointer(id=log_id, index=index, log=path.decode("utf-8", "surrogateescape"))
