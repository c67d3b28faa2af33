"""Addresses as text; `ipaddress` and `socket` would cost a megabyte each."""

from __future__ import annotations

import struct


def mac(raw: bytes) -> str:
    """A MAC address: "00:16:3e:00:00:01"."""
    return ":".join(f"{one:02x}" for one in raw)


def ipv4(raw: bytes) -> str:
    """The text of four bytes."""
    return ".".join(map(str, raw))


def ipv6(raw: bytes) -> str:
    """The text of an address as RFC 5952 wants it."""
    words = [f"{word:x}" for word in struct.unpack(">8H", raw)]
    best, size = 0, 1
    for start in range(8):
        end = start
        while end < 8 and words[end] == "0":
            end += 1
        if end - start > size:
            best, size = start, end - start
    if size == 1:
        return ":".join(words)
    return ":".join(words[:best]) + "::" + ":".join(words[best + size :])
