"""How the lab's host and its machines talk: one line of JSON per message, on a line that may carry noise.

A guest's only line is its console, where the kernel writes too; so a message begins with a mark, and lines
without it, or that are no JSON, are nobody's message. The kernel hands a console 16 bytes at a time (some
20 KB a second under emulation), so bytes are compressed.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

MARK = b"@lab "


def encode(message: dict[str, Any]) -> bytes:
    """A message as bytes, with line breaks around it. Values may be bytes, or what JSON has."""
    plain = {
        key: {"zlib": base64.b64encode(zlib.compress(value, 1)).decode()}
        if isinstance(value, bytes)
        else value
        for key, value in message.items()
    }
    return b"\n" + MARK + json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """The message on a line, or None when there is none."""
    _, mark, text = line.partition(MARK)
    if not mark:
        return None
    try:
        message = json.loads(text)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    return {
        key: zlib.decompress(base64.b64decode(value["zlib"])) if isinstance(value, dict) else value
        for key, value in message.items()
    }
