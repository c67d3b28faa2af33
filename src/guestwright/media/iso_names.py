r"""The two short names of each file on a CD: the ISO 9660 one and the Joliet one.

Theory of operation: a name that fits a namespace is kept. What does not fit is replaced by `_` and cut, then
numbered until no other name of the folder is equal. Names are given in the order of the true ones, so one
tree has one set of short names. A name that fits untouched always keeps it: the mangled ones step aside.

Sources: ECMA-119 7.5 and 7.6 (level 2 and 3: 30 characters without the dot and version; folders 31);
Joliet specification, section "Identifiers" (64 characters, none of `* / : ; ? \`, UCS-2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from guestwright.media.names import folded

_ISO_MAX: Final = 30
_ISO_EXTENSION: Final = 8
_JOLIET_MAX: Final = 64
_JOLIET_EXTENSION: Final = 12
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_not_d = re.compile(r"[^A-Z0-9_]").sub
_good_iso = re.compile(r"[A-Z0-9_]+\.[A-Z0-9_]*").fullmatch
_not_joliet = re.compile("[\x00-\x1f*/:;?\\\\\U00010000-\U0010ffff]").sub

Split = tuple[str, str]


def iso_split(name: str, *, folder: bool) -> Split:
    """Stem and extension of d-characters, within the limits, not yet unique."""
    name = name.upper()
    if folder:
        return _not_d("_", name)[:_ISO_MAX], ""
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    extension = _not_d("_", extension)[:_ISO_EXTENSION]
    return _not_d("_", stem)[: _ISO_MAX - len(extension)] or "_", extension


def joliet_split(name: str, *, folder: bool) -> Split:
    """Stem and extension of UCS-2 characters, not yet unique; the dot is part of the latter."""
    name = _not_joliet("_", name)
    if folder or len(name) <= _JOLIET_MAX:
        return name[:_JOLIET_MAX], ""
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension) >= _JOLIET_EXTENSION:
        return name[:_JOLIET_MAX], ""
    return stem[: _JOLIET_MAX - 1 - len(extension)], "." + extension


def iso_identifiers(names: Iterable[tuple[str, bool]]) -> list[bytes]:
    """The ISO 9660 identifiers of one folder, in the order of `names`.

    Args:
        names: true name and whether it is a folder, sorted.
    """
    unique = _unique(list(names), iso_split, _iso_intact, _ISO_MAX, str)
    return [stem.encode() if folder else f"{stem}.{end};1".encode() for (stem, end), folder in unique]


def joliet_identifiers(names: Iterable[tuple[str, bool]]) -> list[bytes]:
    """The Joliet identifiers of one folder, UCS-2 big endian, in the order of `names`.

    Args:
        names: true name and whether it is a folder, sorted.
    """
    unique = _unique(list(names), joliet_split, _joliet_intact, _JOLIET_MAX, folded)
    return [
        (stem + end if folder else f"{stem}{end};1").encode("utf-16-be") for (stem, end), folder in unique
    ]


def _iso_intact(name: str, split: Split, *, folder: bool) -> bool:
    if folder:
        return name == split[0]
    return name in (f"{split[0]}.{split[1]}", split[0]) and "." not in split[0]


def _joliet_intact(name: str, split: Split, *, folder: bool) -> bool:
    del folder
    return name == split[0] + split[1]


def _unique(
    names: list[tuple[str, bool]],
    split: Callable[..., Split],
    intact: Callable[..., bool],
    limit: int,
    fold: Callable[[str], str],
) -> list[tuple[Split, bool]]:
    found = [(split(name, folder=folder), folder) for name, folder in names]
    keys = [(fold(stem), fold(end)) for (stem, end), _ in found]
    if len(set(keys)) == len(keys):
        return found
    taken = {
        key
        for key, (name, folder), (parts, _) in zip(keys, names, found, strict=True)
        if intact(name, parts, folder=folder)
    }
    counters: dict[Split, int] = {}
    for at, ((name, folder), (parts, _), key) in enumerate(zip(names, found, keys, strict=True)):
        if intact(name, parts, folder=folder):
            continue
        if key in taken:
            made = _numbered(parts, key, taken, counters, limit, fold)
            found[at] = (made, folder)
            taken.add((fold(made[0]), fold(made[1])))
        taken.add(key)
    return found


def _numbered(
    parts: Split,
    key: Split,
    taken: set[Split],
    counters: dict[Split, int],
    limit: int,
    fold: Callable[[str], str],
) -> Split:
    stem, end = parts
    # All that were cut to the same beginning count on together, so that many clashes stay linear.
    family = (key[0][: limit - len(end) - 6], key[1])
    number = counters.get(family, 0)
    while True:
        number += 1
        mark = "_" + _base36(number)
        made = stem[: limit - len(end) - len(mark)] + mark
        if (fold(made), fold(end)) not in taken:
            counters[family] = number
            return made, end


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text
