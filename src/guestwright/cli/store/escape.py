r"""Values as text: how Xen's tools print bytes that are not printable ASCII, and read them back.

Tab, newline, return and backslash become `\t`, `\n`, `\r`, `\\`; other bytes below 8 three octal digits, all
else `\x` and two hexadecimal digits. Source: xenstore-read and xenstore-write of Xen 4.17, by trying.
"""

from __future__ import annotations

import re
from typing import Final

from guestwright.base.errors import UsageError

_NAMED: Final = {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r", ord("\\"): "\\\\"}
_SPECIAL: Final = {b"t": b"\t", b"n": b"\n", b"r": b"\r"}
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.)|$)", re.DOTALL)


def escape(value: bytes) -> str:
    """A value as printable ASCII."""
    return "".join([_TABLE[byte] for byte in value])


def unescape(text: str) -> bytes:
    """The value that a text stands for; what is no escape stands for itself, without its backslash.

    Raises:
        UsageError: it ends in a backslash.
    """
    return _ESCAPE.sub(_byte, text.encode("utf-8", "surrogateescape"))


def _byte(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = found.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    if other is None:
        raise UsageError(problem="a value ends in a backslash; write two for one, or use -R")
    return _SPECIAL.get(other, bytes(other))


def _one(byte: int) -> str:
    if 0x20 <= byte < 0x7F and byte != ord("\\"):
        return chr(byte)
    return _NAMED.get(byte) or (f"\\{byte:03o}" if byte < 8 else f"\\x{byte:02x}")


_TABLE: Final = [_one(byte) for byte in range(256)]
