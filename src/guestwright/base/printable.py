"""Text from a guest, made safe for a terminal, a log line or an error message."""

from __future__ import annotations

_SAFE_BLANK = " "


def printable(text: str) -> str:
    r"""Return `text` with everything that could drive a terminal escaped.

    Control characters, line breaks, bidirectional overrides and undecodable bytes (lone surrogates, as
    `os.fsdecode` leaves them) become `\xNN` or `\uNNNN`; a backslash stays as it is.

    Args:
        text: any text, possibly chosen by a hostile guest.

    Returns:
        Text on one line in which every character prints.
    """
    if text.isprintable():
        return text
    return "".join(c if c == _SAFE_BLANK or c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # surrogateescape: the byte itself
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
