"""FAT's two names of each file: eight and three characters, and VFAT's long one.

Theory of operation: a name of upper-case 8.3 form is itself. One that differs from it in case only keeps
it as its short name, and gets a long one. All others get a short name with `~` and a number, after those two
kinds took theirs.

Source: Microsoft FAT specification (2005), sections 6 and 7.
"""

from __future__ import annotations

import re
from typing import Final

_good = re.compile(r"[A-Z0-9!#$%&'()@^_`{}~-]{1,8}(\.[A-Z0-9!#$%&'()@^_`{}~-]{1,3})?").fullmatch
_refused = re.compile(r"[^A-Z0-9!#$%&'()@^_`{}~-]").sub
_UNITS: Final = 13
_LAST: Final = 0x40
_ATTRIBUTE: Final = 0x0F


def short_names(names: list[str]) -> list[bytes]:
    """The 8.3 names of one folder as directories hold them, 11 bytes each, in the order of `names`.

    Args:
        names: sorted; no two of them equal but for case.
    """
    found: list[bytes] = []
    taken = set()
    for name in names:
        whole = name.upper() if name.isascii() else ""
        found.append(_padded(*_halves(whole)) if _good(whole) else b"")
        taken.add(found[-1])
    counters: dict[bytes, int] = {}
    for at, name in enumerate(names):
        if not found[at]:
            found[at] = _numbered(name, taken, counters)
            taken.add(found[at])
    return found


def long_entries(name: str, short: bytes) -> bytes:
    """The directory entries of a long name, 32 bytes each; none when the short name says it all.

    Args:
        name: the true name, at most 255 UTF-16 units.
        short: its 8.3 name, 11 bytes.
    """
    stem, end = short[:8].rstrip(), short[8:].rstrip()
    if name == (stem + b"." + end if end else stem).decode("ascii"):
        return b""
    units = name.encode("utf-16-le")
    count = -(-len(units) // (2 * _UNITS))
    units = (units + b"\0\0").ljust(count * 2 * _UNITS, b"\xff")
    check = checksum(short)
    made = []
    for number in range(count, 0, -1):
        part = units[(number - 1) * 2 * _UNITS : number * 2 * _UNITS]
        order = number | (_LAST if number == count else 0)
        made.append(
            bytes((order,)) + part[:10] + bytes((_ATTRIBUTE, 0, check)) + part[10:22] + b"\0\0" + part[22:26]
        )
    return b"".join(made)


def checksum(short: bytes) -> int:
    """What ties a long name to its short one (section 7.2)."""
    total = 0
    for each in short:
        total = (((total & 1) << 7) + (total >> 1) + each) & 0xFF
    return total


def _halves(name: str) -> tuple[str, str]:
    stem, dot, end = name.rpartition(".")
    return (stem, end) if dot and stem else (name, "")


def _padded(stem: str, end: str) -> bytes:
    return (stem.ljust(8) + end.ljust(3)).encode("ascii")


def _numbered(name: str, taken: set[bytes], counters: dict[bytes, int]) -> bytes:
    stem, end = _halves(name.upper().replace(" ", "").lstrip("."))
    stem = _refused("_", stem.replace(".", ""))[:8] or "_"
    end = _refused("_", end)[:3]
    family = _padded(stem[:6], end)
    number = counters.get(family, 0)
    while True:
        number += 1
        mark = f"~{number}"
        made = _padded(stem[: 8 - len(mark)] + mark, end)
        if made not in taken:
            counters[family] = number
            return made
