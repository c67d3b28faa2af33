"""Incremental parser of xenstore messages, for servers and clients.

Theory of operation: bytes go in with `feed`, whole messages come out of `next`. `next` gives a message, or
None. None means "need more", unless `error` says why nothing more will come. A message too long for the
protocol cannot be skipped (its sender is out of step), so the error is final: drop the connection.
The buffer is bounded by `feed`, whose caller stops reading while `room` is 0.
"""

from __future__ import annotations

from typing import Final

from guestwright.xenstore.core.wire import HEADER, HEADER_SIZE, PAYLOAD_MAX

BUFFER_MAX: Final = 1 << 18  # one read of a server; messages that back-pressure holds back wait here

TOO_LONG: Final = "payload too long"
OVERRUN: Final = "too much unread input"

_unpack = HEADER.unpack_from

# Type, request id, transaction id, payload.
Message = tuple[int, int, int, bytes]


class Parser:
    """Reassembles messages from pieces of any size.

    Args:
        payload_max: longest payload accepted, bytes. Clients of old oxenstored may want more than the
            protocol's 4096, because that server sends oversize directory listings.
    """

    __slots__ = ("_at", "_data", "_payload_max", "error")

    def __init__(self, payload_max: int = PAYLOAD_MAX) -> None:
        self._data = b""
        self._at = 0
        self._payload_max = payload_max
        self.error: str | None = None

    @property
    def room(self) -> int:
        """How many more bytes `feed` takes."""
        return BUFFER_MAX - len(self._data) + self._at

    @property
    def rest(self) -> bytes:
        """What was fed and not yet given out."""
        return self._data[self._at :]

    @property
    def waiting(self) -> bool:
        """Whether anything was fed that was not given out yet."""
        return self._at < len(self._data)

    def clear(self) -> None:
        """Forget what was fed."""
        self._data = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Add received bytes; more than `room` is an error."""
        if self._at == len(self._data):
            self._data = data
        else:
            self._data = self._data[self._at :] + data
        self._at = 0
        if len(self._data) > BUFFER_MAX:
            self.error = OVERRUN
            self._data = b""

    def next(self) -> Message | None:
        """The next whole message; None when more bytes are needed or `error` is set."""
        data = self._data
        at = self._at
        if len(data) - at < HEADER_SIZE or self.error is not None:
            return None
        kind, request_id, transaction_id, length = _unpack(data, at)
        if length > self._payload_max:
            self.error = TOO_LONG
            return None
        start = at + HEADER_SIZE
        end = start + length
        if end > len(data):
            return None
        self._at = end
        return kind, request_id, transaction_id, data[start:end]
