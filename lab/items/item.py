"""One thing planted in a guest's tree, and the small language that lists of them are written in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CANARY = "lab-canary-5e1f"
"""In the content of every file that sealing must take away: no sealed image may contain it."""

_ESCAPE = re.compile(rb"\\(n|s|\\|x[0-9a-f]{2})")
_BYTES = {b"n": b"\n", b"s": b" ", b"\\": b"\\"}


class Kind(StrEnum):
    """What to create."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARD_LINK = "hard-link"
    FIFO = "fifo"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file, directory, link or special file.

    Attributes:
        path: absolute path in the guest; bytes that are not UTF-8 as lone surrogates (`os.fsdecode`).
        op: the operation it is there for; "" for a decoy, which must survive every operation.
        kind: see `Kind`.
        content: of a file. `target`: of a symlink, or the existing path of a hard link.
        mode: permission bits. `uid`, `gid`: owner.
        xattrs: extended attributes with full names; set in the finished filesystem (`lab.ext`), because the
            host's own filesystem may refuse them.
    """

    path: str
    op: str = ""
    kind: Kind = Kind.FILE
    content: bytes = b""
    target: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


def canary(op: str, path: str, size: int = 0) -> bytes:
    """Content that names what it was for, repeated up to `size` bytes (at least one line)."""
    line = f"{CANARY} {op} {path}\n".encode("utf-8", "surrogateescape")
    return line * max(1, size // len(line))


def parse(text: str, *, size: int = 0) -> Iterator[Item]:
    r"""Read a list of items.

    Lines: `[op]` starts the items of an operation (`[-]`: decoys); `/path` is a file of `size` bytes with a
    canary, `/path/` an empty directory, `/path -> target` a symlink. Blank lines and `#` lines are skipped.
    `\n`, `\s` (blank), `\\` and `\xNN` stand for odd bytes in names.
    """
    op = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            op = line.strip("[]").replace("-", "", 1) if line == "[-]" else line.strip("[]")
            continue
        path, _, target = line.partition(" -> ")
        path = _unescape(path)
        if target:
            yield Item(path=path, op=op, kind=Kind.SYMLINK, target=target, mode=0o777)
        elif path.endswith("/"):
            yield Item(path=path.rstrip("/"), op=op, kind=Kind.DIRECTORY, mode=0o755)
        else:
            yield Item(
                path=path,
                op=op,
                content=canary(op, path, size)
                if op
                else b"keep " + path.encode("utf-8", "surrogateescape") + b"\n",
            )


def _unescape(text: str) -> str:
    raw = os.fsencode(text)
    return os.fsdecode(
        _ESCAPE.sub(lambda found: _BYTES.get(found[1]) or bytes.fromhex(found[1][1:].decode()), raw)
    )
