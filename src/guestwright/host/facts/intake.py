"""The gate: of what a guest has written, what is looked at at all.

Theory of operation: everything that is bounded is bounded here, once: how many keys, how long and how deep
they are, how long values are, and how many bytes all take as text (XSA-354: the bytes *after* encoding count,
since each invalid byte becomes three). When there is too much, what matters most is kept: keys are taken in
the order of `_FIRST`, so that a guest that floods `data/` still has a version and features. Values become one
line of printable text. What is refused is counted, and the first few are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from guestwright.base.record import field, record

KEYS_MAX: Final = 2000  # twice what an unprivileged domain may have
DEPTH_MAX: Final = 8
NAME_MAX: Final = 64
_PATH_MAX: Final = DEPTH_MAX * (NAME_MAX + 1) - 1
VALUE_MAX: Final = 1024  # bytes; longer ones are refused, not cut
TOTAL_MAX: Final = 256 * 1024  # bytes of paths and values as UTF-8
PROBLEMS_MAX: Final = 20
_NAME: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_@")
_FIRST: Final = (
    "attr/PVAddons/",
    "control/",
    "feature/",
    "data/boot/",
    "data/balloon/",
    "data/guestwright/features/",
    "data/guestwright/agent/",
    "data/guestwright/sysprep/",
    "attr/vif/",
    "data/os_",
    "data/host_name",
    "data/domain",
    "data/updated",
    "data/meminfo",
    "data/guestwright/identity/",
    "xenserver/attr/",
    "attr/",
    "drivers/",
    "data/net/",
)


@record
class Problem:
    """Something that a guest wrote and that is not believed.

    Attributes:
        path: where, printable; "" for the whole.
        problem: what is wrong with it.
    """

    path: str
    problem: str


@record
class Keys:
    """What a guest wrote, as far as it is looked at.

    Attributes:
        values: relative path to text; directories have "".
        problems: the first few that were refused.
        refused: how many in all.
        size: bytes that paths and values take as UTF-8.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    refused: int = 0
    size: int = 0
    _below: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def get(self, path: str) -> str | None:
        """The value of a key; None without it."""
        return self.values.get(path)

    def children(self, path: str) -> list[str]:
        """Names of the keys directly below, in the guest's order."""
        if not self._below:
            for one in self.values:
                parent, _, name = one.rpartition("/")
                self._below.setdefault(parent, []).append(name)
        return self._below.get(path, [])


def admit(raw: Iterable[tuple[str, bytes]]) -> Keys:
    """Take in what was read of one domain.

    Args:
        raw: paths relative to the domain's directory, with values; only the first 2 * `KEYS_MAX` count.

    Returns:
        What is looked at. Directories above a key are there even if they were not read.
    """
    gate = _Gate()
    found: list[tuple[int, str, str]] = []
    for number, (path, value) in enumerate(raw):
        if number >= 2 * KEYS_MAX:
            gate.refuse("", f"more than {2 * KEYS_MAX} keys")
            break
        rank, problem = _judged(path) if len(path) <= _PATH_MAX else (0, f"longer than {_PATH_MAX} bytes")
        if problem:
            gate.refuse(path, problem)
        elif len(value) > VALUE_MAX:
            gate.refuse(path, f"{len(value)} bytes, {VALUE_MAX} are the most")
        else:
            found.append((rank, path, _printable(value.decode("utf-8", "replace"))))
    found.sort(key=_first)
    for _, path, text in found:
        gate.add(path, text)
    return Keys(values=gate.values, problems=tuple(gate.problems), refused=gate.refused, size=gate.total)


def admit_again(keys: Keys, changes: Mapping[str, bytes | None], raw: Mapping[str, bytes]) -> Keys:
    """Take in what has changed since `admit`.

    As long as nothing was or is refused, and nothing is gone, what is new is laid over what is there. Else
    what is kept depends on all of it, and all of it goes through the gate again.

    Args:
        keys: what `admit` made of it before.
        changes: paths to values; None for those that are gone.
        raw: all there is now.

    Returns:
        What `admit` would make of `raw`, apart from the order of its keys.
    """
    gate = _Gate()
    gate.values, gate.total = dict(keys.values), keys.size
    for path, value in changes.items():
        known = path in keys.values
        if value is None or len(value) > VALUE_MAX or not (known or _well_named(path)):
            return admit(raw.items())
        if known:
            gate.total -= len(gate.values[path].encode("utf-8")) + len(path)
            del gate.values[path]
        gate.add(path, _printable(value.decode("utf-8", "replace")))
    if keys.refused or gate.refused:
        return admit(raw.items())
    same = len(gate.values) == len(keys.values)
    return Keys(values=gate.values, size=gate.total, _below=keys._below if same else {})  # noqa: SLF001 - its own


def _well_named(path: str) -> bool:
    return len(path) <= _PATH_MAX and not _judged(path)[1]


class _Gate:
    """The work of `admit`."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.refused = 0
        self.total = 0

    def refuse(self, path: str, problem: str) -> None:
        """Count, and remember the first few."""
        self.refused += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(path=_printable(path[: 4 * NAME_MAX]), problem=problem))

    def add(self, path: str, text: str) -> None:
        """Keep a key and the directories above it, if there is room."""
        new = []
        above = path
        while above and above not in self.values:
            new.append(above)
            above = above.rpartition("/")[0]
        size = len(text) if text.isascii() else len(text.encode("utf-8"))
        size += sum(map(len, new))
        if len(self.values) + len(new) > KEYS_MAX or self.total + size > TOTAL_MAX:
            self.refuse(path, "there is too much")
            return
        self.total += size
        while new:
            self.values[new.pop()] = ""
        self.values[path] = text


@lru_cache(maxsize=8192)  # guests of one kind have the same paths
def _judged(path: str) -> tuple[int, str]:
    """How important a path is, and what is wrong with it; "" for nothing."""
    parts = path.split("/", DEPTH_MAX)
    if len(parts) > DEPTH_MAX:
        return 0, f"deeper than {DEPTH_MAX} levels"
    if not all(0 < len(one) <= NAME_MAX and _NAME.issuperset(one) for one in parts):
        return 0, "no valid name"
    return next((number for number, prefix in enumerate(_FIRST) if path.startswith(prefix)), len(_FIRST)), ""


def _first(one: tuple[int, str, str]) -> int:
    return one[0]


def _printable(text: str) -> str:
    """One line; what would drive a terminal or mislead a reader becomes U+FFFD."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else "\ufffd" for one in text)
