"""The Network Block Device protocol as values: bytes in, bytes out, no socket.

Fixed newstyle handshake and transmission as in the NBD project's doc/proto.md. Only what `nbd_client` needs:
no TLS, no authentication; one export; structured replies because block status needs them.
"""

from __future__ import annotations

import struct
from typing import Final

from guestwright.base.record import record

INIT_MAGIC: Final = 0x4E42444D41474943  # "NBDMAGIC"
OPTION_MAGIC: Final = 0x49484156454F5054  # "IHAVEOPT"
OPTION_REPLY_MAGIC: Final = 0x3E889045565A9
REQUEST_MAGIC: Final = 0x25609513
SIMPLE_REPLY_MAGIC: Final = 0x67446698
STRUCTURED_REPLY_MAGIC: Final = 0x668E33EF

FLAG_FIXED_NEWSTYLE: Final = 1
FLAG_NO_ZEROES: Final = 2

OPT_GO: Final = 7
OPT_STRUCTURED_REPLY: Final = 8
OPT_SET_META_CONTEXT: Final = 10

REP_ACK: Final = 1
REP_INFO: Final = 3
REP_META_CONTEXT: Final = 4
REP_IS_ERROR: Final = 1 << 31
INFO_EXPORT: Final = 0

EXPORT_READ_ONLY: Final = 1 << 1
EXPORT_SEND_FLUSH: Final = 1 << 2

CMD_READ: Final = 0
CMD_WRITE: Final = 1
CMD_DISC: Final = 2
CMD_FLUSH: Final = 3
CMD_BLOCK_STATUS: Final = 7

CHUNK_DONE: Final = 1
CHUNK_NONE: Final = 0
CHUNK_DATA: Final = 1
CHUNK_HOLE: Final = 2
CHUNK_BLOCK_STATUS: Final = 5
CHUNK_IS_ERROR: Final = 1 << 15

STATE_HOLE: Final = 1  # of base:allocation
STATE_ZERO: Final = 2

ALLOCATION: Final = b"base:allocation"
MAX_PAYLOAD: Final = 32 << 20  # what every server takes, proto.md "block size constraints"
MAX_OPTION_REPLY: Final = 1 << 16

GREETING: Final = struct.Struct(">QQH")
OPTION_REPLY: Final = struct.Struct(">QIII")
SIMPLE_REPLY: Final = struct.Struct(">IIQ")
CHUNK: Final = struct.Struct(">IHHQI")
MAGIC: Final = struct.Struct(">I")
_CLIENT_FLAGS: Final = struct.Struct(">I")
_OPTION: Final = struct.Struct(">QII")
_REQUEST: Final = struct.Struct(">IHHQQI")
_EXPORT: Final = struct.Struct(">HQH")
_EXTENT: Final = struct.Struct(">II")


class WireError(Exception):
    """The server's bytes are not what the protocol allows."""


@record(kw_only=False)
class Export:
    """What the server offers: size in bytes and transmission flags."""

    size: int
    flags: int


@record(kw_only=False)
class OptionReply:
    """Head of a reply to an option; `length` bytes of payload follow."""

    option: int
    kind: int
    length: int

    @property
    def failed(self) -> bool:
        """Whether the server refused the option."""
        return bool(self.kind & REP_IS_ERROR)


@record(kw_only=False)
class Chunk:
    """Head of a structured reply; `length` bytes of payload follow."""

    flags: int
    kind: int
    cookie: int
    length: int

    @property
    def done(self) -> bool:
        """Whether it is the last chunk of its reply."""
        return bool(self.flags & CHUNK_DONE)

    @property
    def failed(self) -> bool:
        """Whether it carries an error."""
        return bool(self.kind & CHUNK_IS_ERROR)


def parse_greeting(data: bytes) -> int:
    """Handshake flags from the server's first 18 bytes."""
    init, option, flags = GREETING.unpack(data)
    if init != INIT_MAGIC or option != OPTION_MAGIC or not flags & FLAG_FIXED_NEWSTYLE:
        raise WireError("not a fixed newstyle NBD server")
    return int(flags)


def client_flags(server: int) -> bytes:
    """Our answer to the greeting."""
    return _CLIENT_FLAGS.pack(FLAG_FIXED_NEWSTYLE | (server & FLAG_NO_ZEROES))


def option(kind: int, payload: bytes = b"") -> bytes:
    """An option request."""
    return _OPTION.pack(OPTION_MAGIC, kind, len(payload)) + payload


def go(name: bytes = b"") -> bytes:
    """The option that ends the handshake: take export `name`, no extra information wanted."""
    return option(OPT_GO, struct.pack(">I", len(name)) + name + struct.pack(">H", 0))


def set_meta_context(query: bytes, name: bytes = b"") -> bytes:
    """Ask for one metadata context of export `name`."""
    return option(
        OPT_SET_META_CONTEXT,
        struct.pack(">I", len(name)) + name + struct.pack(">II", 1, len(query)) + query,
    )


def parse_option_reply(data: bytes, expected: int) -> OptionReply:
    """Head of a reply to option `expected`, from 20 bytes."""
    magic, kind, reply, length = OPTION_REPLY.unpack(data)
    if magic != OPTION_REPLY_MAGIC or kind != expected or length > MAX_OPTION_REPLY:
        raise WireError("malformed reply to an option")
    return OptionReply(kind, reply, length)


def parse_export(payload: bytes) -> Export | None:
    """The export from an information reply; None when it tells something else."""
    if len(payload) < 2:
        raise WireError("truncated information reply")
    if int.from_bytes(payload[:2], "big") != INFO_EXPORT:
        return None
    if len(payload) != _EXPORT.size:
        raise WireError("malformed export information")
    _, size, flags = _EXPORT.unpack(payload)
    if size >= 1 << 63:
        raise WireError("export size is absurd")
    return Export(size, flags)


def parse_context(payload: bytes) -> tuple[int, bytes]:
    """(id, name) of a metadata context."""
    if len(payload) < 4:
        raise WireError("truncated metadata context")
    return int.from_bytes(payload[:4], "big"), payload[4:]


def request(command: int, cookie: int, offset: int = 0, length: int = 0) -> bytes:
    """A transmission request; the data of a write follows it."""
    return _REQUEST.pack(REQUEST_MAGIC, 0, command, cookie, offset, length)


def parse_chunk(data: bytes, cookie: int) -> Chunk:
    """Head of a structured reply to request `cookie`, from 20 bytes."""
    magic, flags, kind, found, length = CHUNK.unpack(data)
    if magic != STRUCTURED_REPLY_MAGIC or found != cookie or length > MAX_PAYLOAD + 8:
        raise WireError("malformed structured reply")
    return Chunk(flags, kind, found, length)


def cookie_of(data: bytes) -> int:
    """Which request a reply answers, from its first 16 bytes; it stands in the same place in both forms."""
    return int.from_bytes(data[8:16], "big")


def parse_simple(data: bytes, cookie: int) -> int:
    """Error number (0: none) of a simple reply to request `cookie`, from 16 bytes."""
    magic, error, found = SIMPLE_REPLY.unpack(data)
    if magic != SIMPLE_REPLY_MAGIC or found != cookie:
        raise WireError("malformed reply")
    return int(error)


def parse_extents(payload: bytes) -> tuple[int, tuple[tuple[int, int], ...]]:
    """(context id, ((length, state), …)) of a block status chunk."""
    if len(payload) < 12 or (len(payload) - 4) % 8:
        raise WireError("malformed block status")
    extents = tuple(_EXTENT.iter_unpack(payload[4:]))
    if any(length == 0 for length, _ in extents):
        raise WireError("empty extent in a block status")
    return int.from_bytes(payload[:4], "big"), extents
