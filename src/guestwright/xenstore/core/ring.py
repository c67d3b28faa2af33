"""The shared page through which a domain talks to the store, as an adapter over a buffer.

Source: Xen's docs/misc/xenstore-ring.txt and public header io/xs_wire.h. The page of 4096 bytes holds two
rings of 1024 bytes: requests at 0, responses at 1024. Each has a consumer and a producer index that run
freely modulo 2^32; what lies between them is data, and more than 1024 bytes of it means that the other side
is broken.

Theory of operation: the buffer is anything writable (a mapping, a bytearray). Each call reads both indices
once, copies, then moves one index; the caller notifies the other side when a call says so. CPython does not
reorder these stores and x86 keeps them in order; on other machines the mapping's owner has to add barriers
around calls. The other side may change anything at any time: nothing is read twice.

Indices are words of a memoryview, because those are stored whole: `struct.pack_into` clears the place first,
and the other side, which may look at any moment, would take that zero for an index.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

PAGE_SIZE: Final = 4096
RING_SIZE: Final = 1024

_REQUESTS: Final = 0
_RESPONSES: Final = 1024

# Words of 4 bytes.
_REQUEST_INDICES: Final = 2048 // 4  # consumer, producer
_RESPONSE_INDICES: Final = 2056 // 4
_FEATURES: Final = 2064 // 4
_CONNECTION: Final = 2068 // 4
_ERROR: Final = 2072 // 4
_PORT: Final = 2076 // 4

_WRAP: Final = 0xFFFFFFFF


class RingError(IntEnum):
    """Values of the page's error field."""

    NONE = 0
    COMMUNICATION = 1
    INDEX = 2
    PROTOCOL = 3


class RingLink(IntEnum):
    """Values of the page's connection field."""

    CONNECTED = 0
    RECONNECT = 1  # the domain asks for it, the server answers with CONNECTED


class Ring:
    """One side of the page.

    Args:
        page: at least `PAGE_SIZE` writable bytes.
        server: which side; the server consumes requests and produces responses.
    """

    __slots__ = ("_in_data", "_in_indices", "_out_data", "_out_indices", "_page", "_words")

    def __init__(self, page: bytearray | memoryview, *, server: bool) -> None:
        self._page = memoryview(page).cast("B")[:PAGE_SIZE]
        self._words = self._page.cast("I")
        if server:
            self._in_data, self._in_indices = _REQUESTS, _REQUEST_INDICES
            self._out_data, self._out_indices = _RESPONSES, _RESPONSE_INDICES
        else:
            self._in_data, self._in_indices = _RESPONSES, _RESPONSE_INDICES
            self._out_data, self._out_indices = _REQUESTS, _REQUEST_INDICES

    def get(self) -> bytes | None:
        """Take all that the other side has put; notify it unless the answer is empty.

        Returns:
            The bytes, or None when the indices make no sense.
        """
        page, words, at = self._page, self._words, self._in_indices
        consumer, producer = words[at], words[at + 1]
        count = (producer - consumer) & _WRAP
        if count > RING_SIZE:
            return None
        if not count:
            return b""
        start = consumer % RING_SIZE
        first = min(count, RING_SIZE - start)
        base = self._in_data
        data = bytes(page[base + start : base + start + first])
        if first < count:
            data += bytes(page[base : base + count - first])
        words[at] = producer
        return data

    def put(self, data: bytes) -> int | None:
        """Put as much as fits; notify the other side unless the answer is 0.

        Returns:
            How many bytes went in, or None when the indices make no sense.
        """
        page, words, at = self._page, self._words, self._out_indices
        consumer, producer = words[at], words[at + 1]
        used = (producer - consumer) & _WRAP
        if used > RING_SIZE:
            return None
        count = min(len(data), RING_SIZE - used)
        if not count:
            return 0
        start = producer % RING_SIZE
        first = min(count, RING_SIZE - start)
        base = self._out_data
        page[base + start : base + start + first] = data[:first]
        if first < count:
            page[base : base + count - first] = data[first:count]
        words[at + 1] = (producer + count) & _WRAP
        return count

    def restart(self) -> None:
        """Server: empty both rings and say that the domain is connected."""
        words = self._words
        for at in (_REQUEST_INDICES, _RESPONSE_INDICES):
            words[at] = words[at + 1] = 0
        words[_CONNECTION] = RingLink.CONNECTED

    @property
    def wants_restart(self) -> bool:
        """Whether the domain asked to be connected anew."""
        return self._words[_CONNECTION] == RingLink.RECONNECT

    def ask_restart(self) -> None:
        """Domain: ask to be connected anew."""
        self._words[_CONNECTION] = RingLink.RECONNECT

    @property
    def features(self) -> int:
        """The server's features: bits `FEATURE_*` of the wire format."""
        return self._words[_FEATURES]

    def advertise(self, features: int) -> None:
        """Server: add features; none is ever taken back."""
        self._words[_FEATURES] = self.features | features

    @property
    def error(self) -> int:
        """The last error that the server wrote; a `RingError` from an honest server."""
        return self._words[_ERROR]

    def report(self, error: RingError) -> None:
        """Server: tell the domain why it is not served any more."""
        self._words[_ERROR] = error

    @property
    def port(self) -> int:
        """Event channel that a domain built without a toolstack prepared; 0: the one of INTRODUCE."""
        return self._words[_PORT]
