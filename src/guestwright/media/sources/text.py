"""Bytes of an input as text, with a place for whatever is wrong with them."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Final

from guestwright.media.sources.errors import BadPayloadEncoding, PayloadTooLarge
from guestwright.media.sources.findings import refuse

GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS  # expects the gzip header and checks its trailer
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=\r\n\t ]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both from 1."""
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start + 1


def utf8(file: str, data: bytes) -> str:
    """Decode text that must be UTF-8 without a byte order mark and without control characters.

    Raises:
        BadPayloadEncoding: it is something else.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse(file, "the text is UTF-16, expected UTF-8", kind=BadPayloadEncoding)
    if data.startswith(b"\xef\xbb\xbf"):
        problem = "the text starts with a byte order mark, which its reader takes for content"
        raise refuse(file, problem, kind=BadPayloadEncoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise refuse(
            file, "this byte is not UTF-8", place(before, len(before)), kind=BadPayloadEncoding
        ) from None
    if (found := _CONTROL.search(text)) is not None:
        problem = f"control character U+{ord(found[0]):04X} in text"
        raise refuse(file, problem, place(text, found.start()), kind=BadPayloadEncoding)
    return text


def within(file: str, data: bytes, limit: int) -> bytes:
    """The data, if they are not too long.

    Args:
        file: name for the message.
        data: content.
        limit: bytes.

    Raises:
        PayloadTooLarge: they are longer.
    """
    if len(data) > limit:
        raise refuse(
            file, f"{len(data)} bytes are more than the {limit} that are allowed", kind=PayloadTooLarge
        )
    return data


def gunzip(file: str, data: bytes, limit: int) -> bytes:
    """Unpack one or several gzip members, all whole, to at most `limit` bytes.

    Raises:
        BadPayloadEncoding: damaged, cut short, or followed by something else.
        PayloadTooLarge: it unpacks to more.
    """
    found, rest = [], data
    total = 0
    while rest:
        if not rest.startswith(GZIP_MAGIC):
            raise refuse(file, "data follow the end of the gzip stream", kind=BadPayloadEncoding)
        one = zlib.decompressobj(_GZIP_WINDOW)
        try:
            piece = one.decompress(rest, limit + 1 - total)
        except zlib.error:
            raise refuse(file, "the gzip stream is damaged", kind=BadPayloadEncoding) from None
        total += len(piece)
        if total > limit:
            problem = f"it unpacks to more than the {limit} bytes that are allowed"
            raise refuse(file, problem, kind=PayloadTooLarge)
        if not one.eof:
            raise refuse(file, "the gzip stream is cut short", kind=BadPayloadEncoding)
        found.append(piece)
        rest = one.unused_data
    return b"".join(found)


def unbase64(file: str, data: bytes) -> bytes:
    """Decode base64 with its padding; white space between is fine.

    Raises:
        BadPayloadEncoding: another character, or a length that base64 cannot have.
    """
    if (wrong := _NOT_BASE64.search(data)) is not None:
        before = data[: wrong.start()].decode("latin-1")
        at = place(before, len(before))
        raise refuse(file, "this character is not base64", at, kind=BadPayloadEncoding)
    bare = data.translate(None, b"\r\n\t ")
    try:
        if len(bare) % 4 == 0:
            return base64.b64decode(bare, validate=True)
    except binascii.Error:
        pass
    raise refuse(file, "the base64 is cut short or wrongly padded", kind=BadPayloadEncoding)
