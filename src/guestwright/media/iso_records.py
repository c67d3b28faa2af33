"""The pieces a CD's metadata is made of: dates, directory records, Rock Ridge fields, volume descriptors.

Sources: ECMA-119 sections 8.4 (descriptors), 9.1 (directory records), 9.4 (path tables); the System Use
Sharing Protocol (IEEE P1281 draft 1.12: SP, CE, ER); the Rock Ridge Interchange Protocol (RRIP 1991A: RR, PX,
NM, TF); the Joliet specification (supplementary descriptor).
"""

from __future__ import annotations

import struct
import time as clock
from functools import lru_cache
from typing import Final

SECTOR: Final = 2048
SYSTEM_SECTORS: Final = 16
MAX_RECORD: Final = 254

FLAG_FOLDER: Final = 2
FLAG_MORE: Final = 0x80

# Name length and what follows are the caller's.
_RECORD: Final = struct.Struct("<BBI4sI4s7sBBBHH")
_PX: Final = struct.Struct("<4sI4sI4sI4sI4s")
_CE: Final = struct.Struct("<4sI4sI4sI4s")
RR_FIELD: Final = b"RR\x05\x01" + bytes([0x01 | 0x08 | 0x80])
SP_FIELD: Final = b"SP\x07\x01\xbe\xef\x00"
CE_SIZE: Final = 28
_ER_ID: Final = b"RRIP_1991A"
_ER_ABOUT: Final = b"THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS"
_ER_SOURCE: Final = (
    b"PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  "
    b"SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION."
)
_NEVER: Final = b"0" * 16 + b"\0"
ER_FIELD: Final = (
    b"ER"
    + bytes([8 + len(_ER_ID) + len(_ER_ABOUT) + len(_ER_SOURCE), 1])
    + bytes([len(_ER_ID), len(_ER_ABOUT), len(_ER_SOURCE), 1])
    + _ER_ID
    + _ER_ABOUT
    + _ER_SOURCE
)


def both32(value: int) -> bytes:
    """A number in both byte orders (ECMA-119 7.3.3)."""
    return value.to_bytes(4, "little") + value.to_bytes(4, "big")


def both16(value: int) -> bytes:
    """A number in both byte orders (ECMA-119 7.2.3)."""
    return value.to_bytes(2, "little") + value.to_bytes(2, "big")


@lru_cache(maxsize=8)
def short_date(time: int) -> bytes:
    """Seconds since the epoch as seven bytes, UTC (ECMA-119 9.1.5)."""
    at = clock.gmtime(time)
    return bytes((at.tm_year - 1900, at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, 0))


@lru_cache(maxsize=8)
def long_date(time: int) -> bytes:
    """Seconds since the epoch as 17 bytes, UTC (ECMA-119 8.4.26.1)."""
    at = clock.gmtime(time)
    return b"%04d%02d%02d%02d%02d%02d00\0" % at[:6]


def record(identifier: bytes, place: int, size: int, date: bytes, flags: int, extra: bytes = b"") -> bytes:
    """One directory record.

    Args:
        identifier: of the file or folder; one byte 0 or 1 for the folder itself and its parent.
        place: first block of its contents.
        size: of this part of its contents, in bytes.
        date: seven bytes.
        flags: `FLAG_FOLDER`, `FLAG_MORE`.
        extra: the system use area.
    """
    count = len(identifier)
    padding = b"" if count & 1 else b"\0"
    length = 33 + count + len(padding) + len(extra)
    if length & 1:
        extra += b"\0"
        length += 1
    return (
        _RECORD.pack(
            length,
            0,
            place,
            place.to_bytes(4, "big"),
            size,
            size.to_bytes(4, "big"),
            date,
            flags,
            0,
            0,
            1,
            0x0100,
        )
        + bytes((count,))
        + identifier
        + padding
        + extra
    )


def record_length(identifier: bytes, extra: int = 0) -> int:
    """How long `record` makes it, with so many bytes of system use."""
    length = 33 + len(identifier) + extra
    length += not len(identifier) & 1
    return length + (length & 1)


def px_field(mode: int, links: int) -> bytes:
    """POSIX mode, links and owner; the owner is always root."""
    return _PX.pack(
        b"PX\x24\x01",
        mode,
        mode.to_bytes(4, "big"),
        links,
        links.to_bytes(4, "big"),
        0,
        b"\0\0\0\0",
        0,
        b"\0\0\0\0",
    )


def tf_field(date: bytes) -> bytes:
    """Times of modification, access and change."""
    return b"TF\x1a\x01\x0e" + date + date + date


def nm_field(name: bytes) -> bytes:
    """The true name; two fields when it is too long for one."""
    if len(name) <= 250:
        return b"NM" + bytes((5 + len(name), 1, 0)) + name
    return b"NM" + bytes((255, 1, 1)) + name[:250] + nm_field(name[250:])


def ce_field(block: int, offset: int, length: int) -> bytes:
    """Where more system use fields are."""
    return _CE.pack(
        b"CE\x1c\x01",
        block,
        block.to_bytes(4, "big"),
        offset,
        offset.to_bytes(4, "big"),
        length,
        length.to_bytes(4, "big"),
    )


def descriptor(
    kind: int,
    *,
    volume_id: bytes,
    blank: bytes,
    application: bytes,
    escape: bytes,
    blocks: int,
    table_size: int,
    tables: tuple[int, int],
    root: bytes,
    time: int,
) -> bytes:
    """A primary (1) or supplementary (2) volume descriptor.

    Args:
        kind: 1 or 2.
        volume_id: at most 32 bytes.
        blank: the character that texts are padded with.
        application: which program wrote it.
        escape: escape sequences; they say that texts are UCS-2.
        blocks: of the whole image.
        table_size: of one path table, in bytes.
        tables: blocks of the little and the big endian path table.
        root: the record of the root folder.
        time: seconds since the epoch.
    """
    return b"".join(
        (
            bytes((kind,)) + b"CD001\x01\x00",
            blank * (32 // len(blank)),
            _text(volume_id, 32, blank),
            bytes(8),
            both32(blocks),
            escape.ljust(32, b"\0"),
            both16(1),
            both16(1),
            both16(SECTOR),
            both32(table_size),
            struct.pack("<II", tables[0], 0),
            struct.pack(">II", tables[1], 0),
            root,
            _names(application, blank),
            long_date(time) * 2,
            _NEVER * 2,
            b"\x01\x00",
        )
    ).ljust(SECTOR, b"\0")


TERMINATOR: Final = b"\xffCD001\x01".ljust(SECTOR, b"\0")


@lru_cache(maxsize=2)
def _names(application: bytes, blank: bytes) -> bytes:
    """The fields from the volume set's identifier to that of the bibliographic file."""
    return _text(b"", 128, blank) * 3 + _text(application, 128, blank) + _text(b"", 37, blank) * 3


def _text(value: bytes, size: int, blank: bytes) -> bytes:
    # A field of odd length ends with one zero byte in UCS-2.
    padded = value + blank * ((size - len(value)) // len(blank))
    return padded + bytes(size - len(padded))
