"""The FUSE kernel protocol, as far as one regular file needs it. Pure: bytes in, values out, and back.

Facts: Linux, include/uapi/linux/fuse.h (protocol 7.31, which newer kernels accept: they speak the older
minor of the two), Documentation/filesystems/fuse/fuse.rst. All fields are in the host's byte order.
"""

from __future__ import annotations

import stat
import struct
from enum import IntEnum
from typing import Final, NamedTuple

MAJOR: Final = 7
MINOR: Final = 31
OLDEST_MINOR: Final = 23  # fuse_init_out got its present 64 bytes
ROOT: Final = 1
MAX_TRANSFER: Final = 1 << 20
"""Bytes in one READ or WRITE: 256 pages, the kernel's own upper bound unless it is told otherwise."""

ATTRIBUTES_VALID: Final = 3600  # seconds; nobody else changes the file
FOPEN_KEEP_CACHE: Final = 1 << 1

FUSE_ASYNC_READ: Final = 1 << 0
FUSE_BIG_WRITES: Final = 1 << 5
FUSE_PARALLEL_DIROPS: Final = 1 << 18
FUSE_MAX_PAGES: Final = 1 << 22
_WANTED: Final = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES

SETATTR_SIZE: Final = 1 << 3  # FATTR_SIZE


class Opcode(IntEnum):
    """Requests that we know; all others are answered ENOSYS."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    FLUSH = 25
    INIT = 26
    ACCESS = 34
    INTERRUPT = 36
    DESTROY = 38
    BATCH_FORGET = 42


IN_HEADER: Final = struct.Struct("=IIQQIIIHH")  # len opcode unique nodeid uid gid pid total_extlen padding
OUT_HEADER: Final = struct.Struct("=IiQ")  # len error unique
READ_REQUEST: Final = struct.Struct(
    "=4xIQ24x8xQI"
)  # a whole READ: opcode unique (rest of head, fh) offset size
WRITE_IN: Final = struct.Struct("=QQIIQII")  # fh offset size write_flags lock_owner flags padding
_INIT_IN: Final = struct.Struct("=IIII")  # major minor max_readahead flags (more from 7.36 on)
_INIT_OUT: Final = struct.Struct("=IIIIHHIIHHI28x")
_ATTR: Final = struct.Struct("=QQQQQQIIIIIIIIII")
_ATTR_OUT: Final = struct.Struct("=QII")  # attr_valid attr_valid_nsec dummy, then attr
_OPEN_OUT: Final = struct.Struct("=QII")  # fh open_flags padding
_WRITE_OUT: Final = struct.Struct("=II")  # size padding
_STATFS_OUT: Final = struct.Struct("=QQQQQIIII24x")
_SETATTR_IN: Final = struct.Struct("=II")  # valid padding (the values follow)

BUFFER_SIZE: Final = MAX_TRANSFER + IN_HEADER.size + WRITE_IN.size + 4096
"""What a read of /dev/fuse must have room for."""


class Init(NamedTuple):
    """What the kernel offers."""

    major: int
    minor: int
    max_readahead: int
    flags: int


class WireError(ValueError):
    """A request that does not follow the protocol."""


class Request(NamedTuple):
    """The head of a request; `body` starts at `IN_HEADER.size`."""

    length: int
    opcode: int
    unique: int
    node: int


def parse_request(buffer: bytes | bytearray | memoryview, received: int) -> Request:
    """Read the head of the request that fills the first `received` bytes of `buffer`.

    Raises:
        WireError: it is shorter than its head or not as long as it says.
    """
    if received < IN_HEADER.size:
        raise WireError(f"request of {received} bytes")
    length, opcode, unique, node, *_ = IN_HEADER.unpack_from(buffer)
    if length != received:
        raise WireError(f"request of {received} bytes says {length}")
    return Request(length, opcode, unique, node)


def parse_init(buffer: bytes | bytearray | memoryview) -> Init:
    """Read the body of INIT."""
    return Init(*_INIT_IN.unpack_from(buffer, IN_HEADER.size))


def setattr_mask(buffer: bytes | bytearray | memoryview) -> int:
    """Which attributes a SETATTR wants to change (FATTR_…)."""
    return int(_SETATTR_IN.unpack_from(buffer, IN_HEADER.size)[0])


def init_out(offer: Init, readahead: int) -> bytes:
    """Answer INIT: big transfers, `readahead` bytes, no caching beyond the kernel's page cache.

    Raises:
        WireError: the kernel speaks another major or an older minor than we know.
    """
    if offer.major != MAJOR or offer.minor < OLDEST_MINOR:
        raise WireError(
            f"kernel speaks FUSE {offer.major}.{offer.minor}, need {MAJOR}.{OLDEST_MINOR} or newer"
        )
    flags = offer.flags & _WANTED
    return _INIT_OUT.pack(
        MAJOR,
        min(MINOR, offer.minor),
        readahead,
        flags,
        4096,  # max_background
        4096,  # congestion
        MAX_TRANSFER,
        1,  # time_gran, ns
        MAX_TRANSFER // 4096,
        0,
        0,
    )


def attr_out(size: int, *, writable: bool) -> bytes:
    """Attributes of the one file: regular, owned by root, `size` bytes."""
    mode = stat.S_IFREG | (0o600 if writable else 0o400)
    blocks = (size + 511) // 512
    attributes = _ATTR.pack(ROOT, size, blocks, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
    return _ATTR_OUT.pack(ATTRIBUTES_VALID, 0, 0) + attributes


def open_out() -> bytes:
    """Answer OPEN: keep what is cached."""
    return _OPEN_OUT.pack(0, FOPEN_KEEP_CACHE, 0)


def write_out(size: int) -> bytes:
    """Answer WRITE: `size` bytes were stored."""
    return _WRITE_OUT.pack(size, 0)


def statfs_out(size: int) -> bytes:
    """Answer STATFS: a filesystem that is exactly full with this file."""
    return _STATFS_OUT.pack(size // 4096, 0, 0, 1, 0, 4096, 255, 4096, 0)


def reply(unique: int, payload: bytes = b"") -> bytes:
    """A whole successful answer."""
    return OUT_HEADER.pack(OUT_HEADER.size + len(payload), 0, unique) + payload


def failure(unique: int, error: int) -> bytes:
    """An answer that says why not; `error` is a positive errno."""
    return OUT_HEADER.pack(OUT_HEADER.size, -error, unique)
