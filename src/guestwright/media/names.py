"""Which names may stand on a medium, and which two of them are one name to some guest.

Sources: ECMA-119 section 7.5; Joliet specification, "Identifiers"; Microsoft, "Naming Files, Paths, and
Namespaces" (reserved characters and device names); Microsoft FAT specification, "Long directory entries".
"""

from __future__ import annotations

import re
from typing import Final

from guestwright.media.errors import BadMediaName

MAX_NAME: Final = 255
"""Bytes of one name in UTF-8, and its UTF-16 units: the limit of Linux and of VFAT."""
MAX_PATH: Final = 4095
MAX_DEPTH: Final = 64

_REFUSED: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_WINDOWS: Final = re.compile(r'[\\:*?"<>|]')
_DEVICE: Final = re.compile(r"(?i:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\..*)?")
_PLAIN: Final = re.compile(r"[a-z0-9_-][a-z0-9_.-]{0,200}").fullmatch


def parts(path: str) -> list[str]:
    """The names of a path on the medium, checked for what no medium can hold.

    Args:
        path: absolute, joined by `/`.

    Raises:
        BadMediaName: with the reason.
    """
    if not path.startswith("/"):
        raise BadMediaName(path=path or "''", problem="is not absolute; it must start with /")
    names = path[1:].split("/")
    for name in names:
        if not _PLAIN(name):
            _check(name, path)
    if len(names) > MAX_DEPTH:
        raise BadMediaName(
            path=path, problem=f"is {len(names)} levels deep, at most {MAX_DEPTH} are possible"
        )
    if len(path) > MAX_PATH // 4 and len(path.encode()) > MAX_PATH:
        raise BadMediaName(path=path[:60] + "…", problem=f"is longer than {MAX_PATH} bytes")
    return names


def _check(name: str, path: str) -> None:
    if not name:
        raise BadMediaName(path=path, problem="has an empty part; write / once only and not at the end")
    if name in {".", ".."}:
        raise BadMediaName(path=path, problem=f"has the part {name}; name the place itself")
    found = _REFUSED.search(name)
    if found:
        code = f"U+{ord(found.group()):04X}"
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise BadMediaName(path=shown, problem=f"has the character {code}, which is no text")
    length = len(name.encode())
    if length > MAX_NAME:
        raise BadMediaName(
            path=f"{name[:40]}…", problem=f"has {length} bytes in UTF-8, at most {MAX_NAME} are possible"
        )


def check_windows(name: str, path: str) -> None:
    """Refuse a name that Windows and FAT cannot hold.

    Args:
        name: one part of the path.
        path: for the error.

    Raises:
        BadMediaName: a reserved character or device name, or a dot or space at the end.
    """
    found = _WINDOWS.search(name)
    if found:
        raise BadMediaName(
            path=path, problem=f"has the character {found.group()}, which Windows and FAT refuse"
        )
    if name[-1] in ". ":
        raise BadMediaName(path=path, problem="ends with a dot or a space, which Windows and FAT drop")
    if _DEVICE.fullmatch(name):
        raise BadMediaName(path=path, problem="is the name of a device in Windows")


def folded(name: str) -> str:
    """The name as a guest sees it that does not tell upper from lower case (Windows, FAT, Joliet)."""
    if name.isascii():
        return name.upper()
    # One character for one, as Windows does: ß and SS stay two names.
    return "".join(upper if len(upper := each.upper()) == 1 else each for each in name)
