"""The part of the xenstore wire format that a guest needs, for Python 3.8 and little memory.

Theory of operation: `guestwright.xenstore.core.wire` is the same with names and types that need newer
Pythons; a test compares the two. `Stream` cuts what arrives into messages. On a virtio-serial port the bytes
may begin in the middle of a message that an earlier agent asked for; `hunt` then drops all that comes before
one known reply.

Source: Xen's docs/misc/xenstore.txt and public header io/xs_wire.h.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False  # the module `typing` costs two megabytes
if TYPE_CHECKING:
    from typing import Final

    # Type, request id, transaction id, payload.
    Message = tuple[int, int, int, bytes]

HEADER: Final = struct.Struct("=IIII")
HEADER_SIZE: Final = 16
PAYLOAD_MAX: Final = 4096
# What the kernel's device takes at a time, header included: Linux, drivers/xen/xenbus/xenbus_dev_frontend.c.
DEVICE_MESSAGE_MAX: Final = 4096

DIRECTORY: Final = 1
READ: Final = 2
WATCH: Final = 4
UNWATCH: Final = 5
TRANSACTION_START: Final = 6
TRANSACTION_END: Final = 7
WRITE: Final = 11
MKDIR: Final = 12
RM: Final = 13
WATCH_EVENT: Final = 15
ERROR: Final = 16
RESET_WATCHES: Final = 21

_KIND_MAX: Final = 26
_HEAD: Final = struct.Struct("=II")


def frame(kind: int, request_id: int, transaction_id: int, payload: bytes) -> bytes:
    """One message; the payload has at most `PAYLOAD_MAX` bytes (not checked here)."""
    return HEADER.pack(kind, request_id, transaction_id, len(payload)) + payload


class OutOfStep(ValueError):
    """What arrives is no message."""


class Stream:
    """Cuts bytes into messages; never holds more than one message and what was fed last."""

    __slots__ = ("_at", "_data", "_hunted")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._hunted: tuple[bytes, ...] = ()

    def hunt(self, kind: int, request_id: int) -> None:
        """Drop everything up to the reply to a request, or its refusal."""
        self._hunted = (_HEAD.pack(kind, request_id), _HEAD.pack(ERROR, request_id))

    @property
    def hunting(self) -> bool:
        """Whether that reply has not come yet."""
        return bool(self._hunted)

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        self._data = self._data[self._at :] + data
        self._at = 0
        if self._hunted:
            found = [place for place in map(self._data.find, self._hunted) if place >= 0]
            if found:
                self._data = self._data[min(found) :]
                self._hunted = ()
            else:
                self._data = self._data[-(_HEAD.size - 1) :]

    def next(self) -> Message | None:
        """The next whole message; None when more bytes are needed.

        Raises:
            OutOfStep: this cannot be a message: no such type, or longer than the protocol allows.
        """
        data, at = self._data, self._at
        if self._hunted or len(data) - at < HEADER_SIZE:
            return None
        kind, request_id, transaction_id, length = HEADER.unpack_from(data, at)
        # Old oxenstoreds send directories longer than the protocol allows, hence the factor.
        if kind > _KIND_MAX or length > 16 * PAYLOAD_MAX:
            raise OutOfStep
        end = at + HEADER_SIZE + length
        if end > len(data):
            return None
        self._at = end
        return kind, request_id, transaction_id, data[at + HEADER_SIZE : end]
