"""Small configuration files of the guest: read with a bound, edited by whole lines.

Files are carried as text with undecodable bytes as lone surrogates, so that what is not edited comes back
byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.guestfs.errors import NotFound, WrongKind
from guestwright.guestfs.port import GuestFS

LIMIT: Final = 1 << 20
"""Bytes; a configuration file beyond this is refused by the driver (`TooLarge`), which stops the run."""


def read_text(fs: GuestFS, path: str) -> str | None:
    """Content of a regular file; None when there is none."""
    try:
        return fs.read(path, limit=LIMIT).decode("utf-8", "surrogateescape")
    except (NotFound, WrongKind):
        return None


def encode(text: str) -> bytes:
    """The bytes of a text from `read_text`."""
    return text.encode("utf-8", "surrogateescape")


def filter_lines(text: str, keep: Callable[[str], bool]) -> str | None:
    """Drop the lines that `keep` refuses.

    Args:
        text: content of a file; lines end in a line feed, a carriage return before it belongs to the line.
        keep: decides by the line without its line feed.

    Returns:
        The new content, None when every line stays. A last line without a line feed keeps lacking it.
    """
    lines = _split(text)
    kept = [line for line in lines if keep(line.removesuffix("\n"))]
    return None if len(kept) == len(lines) else "".join(kept)


def assigns(*names: str) -> Callable[[str], bool]:
    """Whether a line sets one of these variables; as in virt-sysprep an indented line does not count."""
    heads = tuple(f"{name}=" for name in names)
    return lambda line: line.startswith(heads)


def _split(text: str) -> list[str]:
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
