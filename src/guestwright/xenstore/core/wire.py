"""The xenstore wire format: one header, the numbers of the operations, the names of the errors.

Source: Xen's docs/misc/xenstore.txt and public header io/xs_wire.h. A message is a header of four unsigned
32-bit words in host byte order (type, request id, transaction id, length of the payload), then the payload.
The format is the same in both directions and on every transport.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Final

HEADER: Final = struct.Struct("=IIII")
HEADER_SIZE: Final = 16
PAYLOAD_MAX: Final = 4096  # XENSTORE_PAYLOAD_MAX, bytes without the header
ABSOLUTE_PATH_MAX: Final = 3072  # XENSTORE_ABS_PATH_MAX
RELATIVE_PATH_MAX: Final = 2048  # XENSTORE_REL_PATH_MAX

CONTROL: Final = 0
DIRECTORY: Final = 1
READ: Final = 2
GET_PERMS: Final = 3
WATCH: Final = 4
UNWATCH: Final = 5
TRANSACTION_START: Final = 6
TRANSACTION_END: Final = 7
INTRODUCE: Final = 8
RELEASE: Final = 9
GET_DOMAIN_PATH: Final = 10
WRITE: Final = 11
MKDIR: Final = 12
RM: Final = 13
SET_PERMS: Final = 14
WATCH_EVENT: Final = 15
ERROR: Final = 16
IS_DOMAIN_INTRODUCED: Final = 17
RESUME: Final = 18
SET_TARGET: Final = 19
RESET_WATCHES: Final = 21
DIRECTORY_PART: Final = 22
GET_FEATURE: Final = 23
SET_FEATURE: Final = 24
GET_QUOTA: Final = 25
SET_QUOTA: Final = 26

FEATURE_RECONNECT: Final = 1  # bits of the ring's server_features and of GET_FEATURE
FEATURE_ERROR: Final = 2
FEATURE_WATCH_DEPTH: Final = 4
FEATURE_ANY_DOMAIN: Final = 8

DOMID_FIRST_RESERVED: Final = 0x7FF0  # also DOMID_SELF
DOMID_ANY: Final = 0x7FF5
DOMID_MAX: Final = 0xFFFF

OK: Final = b"OK\0"
INTRODUCED: Final = b"@introduceDomain"
RELEASED: Final = b"@releaseDomain"


class Errno(StrEnum):
    """Errors that the protocol can name; the value is what goes over the wire."""

    EINVAL = "EINVAL"
    EACCES = "EACCES"
    EEXIST = "EEXIST"
    EISDIR = "EISDIR"
    ENOENT = "ENOENT"
    ENOMEM = "ENOMEM"
    ENOSPC = "ENOSPC"
    EIO = "EIO"
    ENOTEMPTY = "ENOTEMPTY"
    ENOSYS = "ENOSYS"
    EROFS = "EROFS"
    EBUSY = "EBUSY"
    EAGAIN = "EAGAIN"
    EISCONN = "EISCONN"
    E2BIG = "E2BIG"
    EPERM = "EPERM"


# What a handler answers: the payload of its reply, or an error.
Result = bytes | Errno


def frame(kind: int, request_id: int, transaction_id: int, payload: bytes) -> bytes:
    """One message.

    Args:
        kind: number of the operation.
        request_id: any 32-bit number; the reply carries it back.
        transaction_id: 0 outside transactions.
        payload: at most `PAYLOAD_MAX` bytes (not checked here).
    """
    return HEADER.pack(kind, request_id, transaction_id, len(payload)) + payload


def strings(payload: bytes) -> list[bytes]:
    """The NUL-terminated strings of a payload; what follows the last terminator is ignored."""
    return payload.split(b"\0")[:-1]


def single(payload: bytes) -> bytes | None:
    """The only string of a payload; None unless its first NUL is its last byte."""
    return payload[:-1] if payload.find(b"\0") == len(payload) - 1 and payload else None


def number(text: bytes) -> int | None:
    """A decimal number as in requests: digits only, at most ten of them; None for anything else."""
    return int(text) if text.isdigit() and len(text) <= 10 else None


def domid(text: bytes) -> int | None:
    """A decimal domain id of at most 16 bits; None for anything else."""
    value = number(text)
    return value if value is not None and value <= DOMID_MAX else None
