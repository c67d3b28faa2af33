"""Names of files in a package: plain ones, that stay in it. Pure."""

from __future__ import annotations

import re
from typing import Final

from guestwright.ovf.errors import BadPackage

NAME_MAX: Final = 100
"""Bytes: of a name in the header of a ustar archive, without the prefix that is for directories."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. +@=,()-]*")
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_WORD_MAX: Final = 60


def plain_name(name: str) -> str:
    """A name that is one: no directory, no device, nothing hidden, nothing that a shell or terminal minds.

    Raises:
        BadPackage: it is another.
    """
    if len(name) > NAME_MAX or not _PLAIN.fullmatch(name) or name.endswith((".", " ")):
        raise BadPackage(problem=f"{name[:80]!r} is no plain name of a file in it")
    return name


def word(text: str) -> str:
    """Text as a part of such a name."""
    return _NOT_PLAIN.sub("-", text).strip("-.")[:_WORD_MAX].rstrip("-.") or "template"
