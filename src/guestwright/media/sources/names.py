"""Names of files that every guest can read: Windows and Linux, from a CD or a floppy.

Theory of operation: the name comes from outside and ends up in a guest's file system, so it is checked, never
cleaned: a cleaned name could meet another one. What Windows reserves: "Naming Files, Paths, and Namespaces",
Microsoft Learn. 253 bytes a part: what Linux reads of a Rock Ridge name (fs/isofs/rock.c cuts longer ones);
VFAT: 255 UTF-16 units.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from guestwright.media.sources.errors import BadPayloadName
from guestwright.media.sources.findings import refuse

MAX_PART: Final = 253  # bytes of UTF-8
MAX_PARTS: Final = 32
MAX_PATH: Final = 1024  # bytes of UTF-8
_FORBIDDEN: Final = frozenset('<>:"|?*\\')
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)
_BAD_CATEGORIES: Final = {
    "Cc": "a control character",
    "Cs": "half of a surrogate pair",
    "Cn": "a code point that is no character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}
_DIRECTIONS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def media_path(name: str) -> str:
    """A checked name as a path from the root of the medium.

    Args:
        name: relative, parts separated by "/", such as "scripts/first.ps1".

    Returns:
        The path with a leading "/".

    Raises:
        BadPayloadName: some guest could not read it, or would read something else.
    """
    if (problem := _problem(name)) is not None:
        raise refuse(name or "(empty)", problem, kind=BadPayloadName)
    return "/" + name


def refuse_clashes(paths: Iterable[str]) -> None:
    """Raise `BadPayloadName` if two paths are one for Windows, or one is a folder and a file at once."""
    files: dict[str, str] = {}
    for path in paths:
        folded = fold(path)
        if folded in files:
            same = files[folded]
            problem = "is there twice" if same == path else f"differs from '{same}' only in case or form"
            raise refuse(path, problem, kind=BadPayloadName)
        files[folded] = path
    spelt: dict[str, str] = {}
    for folded, path in files.items():
        end = 0
        while (end := folded.find("/", end + 1)) > 0:
            if folded[:end] in files:
                problem = f"lies in '{files[folded[:end]]}', which is a file"
                raise refuse(path, problem, kind=BadPayloadName)
        _same_folders(path, spelt)


def fold(path: str) -> str:
    """The form in which two names that a reader may take for one are equal."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _same_folders(path: str, spelt: dict[str, str]) -> None:
    end = 0
    while (end := path.find("/", end + 1)) > 0:
        folder = path[:end]
        if spelt.setdefault(fold(folder), folder) != folder:
            problem = f"its folder differs from '{spelt[fold(folder)]}' only in case or form"
            raise refuse(path, problem, kind=BadPayloadName)


def _problem(name: str) -> str | None:
    if not name:
        return "a name may not be empty"
    if name.startswith("/"):
        return "a name may not start with '/'"
    parts = name.split("/")
    if len(parts) > MAX_PARTS:
        return f"more than {MAX_PARTS} parts"
    for part in parts:
        if (found := _part_problem(part)) is not None:
            return found
    if len(name.encode()) > MAX_PATH:
        return f"longer than {MAX_PATH} bytes"
    return None


def _part_problem(part: str) -> str | None:
    if not part:
        return "an empty part between '/'"
    if part in {".", ".."}:
        return f"a part is '{part}'"
    for char in part:
        if (bad := _BAD_CATEGORIES.get(unicodedata.category(char))) is not None:
            return f"{bad} (U+{ord(char):04X})"
        if char in _DIRECTIONS:
            return f"an invisible character (U+{ord(char):04X})"
        if char in _FORBIDDEN:
            return f"'{char}' is not allowed in Windows"
    if part[-1] in ". ":
        return "a part ends in a dot or a space, which Windows drops"
    if part[0] == " ":
        return "a part starts with a space"
    if part.partition(".")[0].rstrip(" ").casefold() in _RESERVED:
        return "Windows reserves this name for a device"
    if len(part.encode()) > MAX_PART:
        return f"a part is longer than {MAX_PART} bytes"
    return None
