"""Streams of any length through a store that holds two kilobytes per node.

Theory of operation: each direction of a call has `SLOTS` nodes, used in turn. The sender fills those that
are free and then counts them up in its *word*, a node that the other side watches. The receiver reads them
and counts them up in a word of its own: that frees the slots. So a batch costs one event, whatever its
size; never more than `SLOTS` nodes are filled; who has lost the connection only writes again what was not
taken.

A chunk is one byte, its tag, and data. The node that holds one is smaller than 2048 bytes with all that
xenstored counts: 24 bytes and 12 for each permission entry (Xen, tools/xenstored, struct
xs_tdb_record_hdr).

This is pure: both sides of the protocol, no I/O.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ROOT: Final = "data/guestwright/exec"
CHUNK: Final = 1900  # bytes of data
SLOTS: Final = 64
BATCH: Final = 16  # chunks, after which the sender counts them up: the receiver reads while more are written
CALLS_MAX: Final = 4  # at a time: 4 x (64 x 2 + 4) nodes of the 1000 that a guest may have
REQUEST_MAX: Final = 1 << 17  # bytes

# Tags of chunks, host to guest.
REQUEST_PART: Final = b"r"
REQUEST_END: Final = b"R"
INPUT: Final = b"i"
INPUT_END: Final = b"I"
# Tags of chunks, guest to host.
OUTPUT: Final = b"o"
ERRORS: Final = b"e"
ENDED: Final = b"x"  # the last one: "exit N", "signal N", "timeout", "cancelled", "refused WHY", "failed WHY"

CANCEL: Final = b"cancel"
LOST: Final = b"lost"

_ID_MAX: Final = 32
_ID: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-")
_COUNT_MAX: Final = 1 << 48


class OutOfOrder(ValueError):
    """The other side does not keep to the protocol."""


def is_id(name: bytes) -> bool:
    """Whether something may be the name of a call."""
    return 0 < len(name) <= _ID_MAX and _ID.issuperset(name)


def host_word(call: str) -> str:
    """The node in which the host counts: chunks sent, chunks taken, wish."""
    return f"{ROOT}/host/{call}"


def guest_word(call: str) -> str:
    """The node in which the guest counts: chunks sent, chunks taken, state."""
    return f"{ROOT}/guest/{call}"


def slots(call: str, direction: str) -> str:
    """The directory of the chunks of a direction, "in" to the guest or "out" of it."""
    return f"{ROOT}/{direction}/{call}"


def word(sent: int, taken: int, note: bytes = b"") -> bytes:
    """The value of a word."""
    return b"%d %d %s" % (sent, taken, note)


def parse_word(value: bytes) -> tuple[int, int, bytes]:
    """Chunks sent, chunks taken, note.

    Raises:
        OutOfOrder: it is no word.
    """
    sent, _, rest = value.partition(b" ")
    taken, _, note = rest.partition(b" ")
    if not (sent.isdigit() and taken.isdigit() and len(sent) < 16 and len(taken) < 16):
        raise OutOfOrder
    if int(sent) > _COUNT_MAX or int(taken) > _COUNT_MAX:
        raise OutOfOrder
    return int(sent), int(taken), note


class Sending:
    """The sender's end of a direction.

    Attributes:
        sent: chunks put into slots so far.
    """

    __slots__ = ("_queue", "_unacknowledged", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self._queue: list[bytes] = []
        self._unacknowledged: list[bytes] = []

    @property
    def full(self) -> bool:
        """Whether enough waits, so that its source should pause."""
        return len(self._queue) >= SLOTS

    @property
    def finished(self) -> bool:
        """Whether all was taken by the other side."""
        return not self._queue and not self._unacknowledged

    def put(self, tag: bytes, data: bytes) -> None:
        """Send something; no data makes one chunk without data."""
        for at in range(0, max(1, len(data)), CHUNK):
            self._queue.append(tag + data[at : at + CHUNK])

    def due(self) -> list[tuple[int, bytes]]:
        """Slots to be filled now, and with what."""
        room = SLOTS - len(self._unacknowledged)
        now, self._queue = self._queue[:room], self._queue[room:]
        first = self.sent
        self.sent += len(now)
        self._unacknowledged += now
        return [((first + n) % SLOTS, chunk) for n, chunk in enumerate(now)]

    def again(self) -> list[tuple[int, bytes]]:
        """All slots that were not taken, for a store that may have forgotten them."""
        first = self.sent - len(self._unacknowledged)
        return [((first + n) % SLOTS, chunk) for n, chunk in enumerate(self._unacknowledged)]

    def acknowledged(self, taken: int) -> bool:
        """The other side has taken so many in all; whether that is news.

        Raises:
            OutOfOrder: that cannot be.
        """
        fresh = taken - self.sent + len(self._unacknowledged)
        if taken > self.sent:
            raise OutOfOrder
        if fresh <= 0:
            return False  # an old word
        del self._unacknowledged[:fresh]
        return True


class Receiving:
    """The receiver's end of a direction.

    Attributes:
        taken: chunks read so far.
    """

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken = 0

    def waiting(self, sent: int) -> list[int]:
        """The slots to read, in order, when the other side has sent so many in all.

        Raises:
            OutOfOrder: more than there are slots.
        """
        if sent - self.taken > SLOTS:
            raise OutOfOrder
        return [number % SLOTS for number in range(self.taken, sent)]


def pack(fields: list[tuple[str, str]]) -> bytes:
    """A request: fields, of which some may be there several times."""
    return b"".join(f"{key}={value}".encode("utf-8", "surrogateescape") + b"\0" for key, value in fields)


def unpack(data: bytes) -> dict[str, list[str]]:
    """The fields of a request.

    Raises:
        OutOfOrder: it is none.
    """
    found: dict[str, list[str]] = {}
    if data[-1:] != b"\0":
        raise OutOfOrder
    for field in data[:-1].split(b"\0"):
        key, equals, value = field.decode("utf-8", "surrogateescape").partition("=")
        if not equals:
            raise OutOfOrder
        found.setdefault(key, []).append(value)
    return found
