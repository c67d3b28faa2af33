"""Messages as the kernel sends them, for tests of the agent's collectors; made after rtnetlink(7)."""

from __future__ import annotations

import socket
import struct

NEW_LINK, DEL_LINK, NEW_ADDR, DEL_ADDR, DONE, ERROR = 16, 17, 20, 21, 3, 2


def message(kind: int, body: bytes, *, sequence: int = 0, flags: int = 0) -> bytes:
    """One message with its header, padded."""
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body + b"\0" * (-len(body) % 4)


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def number(value: int) -> bytes:
    """A 32-bit number."""
    return struct.pack("=I", value)


def link_body(
    index: int,
    name: str,
    *,
    family: int = 0,
    flags: int = 0x10043,
    hardware: int = 1,
    mac: str = "00163e000001",
    kind: str = "",
    data: bytes = b"",
    **numbers: int,
) -> bytes:
    """The body of a link's message; numbers by attribute: mtu, lower, master, netns."""
    body = struct.pack("=BxHiII", family, hardware, index, flags, 0)
    if name:
        body += attribute(3, name.encode() + b"\0")
    if mac:
        body += attribute(1, bytes.fromhex(mac))
    for attr, key in ((4, "mtu"), (5, "lower"), (10, "master"), (37, "netns")):
        if key in numbers:
            body += attribute(attr, number(numbers[key]))
    if kind:
        info = attribute(1, kind.encode() + b"\0") + (attribute(2, data) if data else b"")
        body += attribute(18 | 0x8000, info)
    return body


def address_body(
    index: int,
    address: str,
    prefix: int,
    *,
    flags: int = 0x80,
    scope: int = 0,
    more: int | None = None,
    peer: str = "",
) -> bytes:
    """The body of an address's message."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = struct.pack("=BBBBI", family, prefix, flags & 0xFF, scope, index)
    raw = socket.inet_pton(family, address)
    if peer:
        body += attribute(1, socket.inet_pton(family, peer)) + attribute(2, raw)
    elif family == socket.AF_INET:
        body += attribute(1, raw) + attribute(2, raw)
    else:
        body += attribute(1, raw)
    return body + (attribute(8, number(more)) if more is not None else b"")
