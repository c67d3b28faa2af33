"""What was issued and revoked, as a file; and a reader that notices when it changes.

Theory of operation: the list is small (one line per certificate; those that ended long ago are dropped) and
is written anew as a whole. The service asks `Revocations` with every request, so a revocation counts at once,
also for connections that are open: one `stat` per request, and a read only when the file is another.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Final

import msgspec

from guestwright.base.record import asdict
from guestwright.host.enrol.certificates import Grant
from guestwright.host.enrol.errors import AuthorityDamaged
from guestwright.host.enrol.files import read_whole, write_whole
from guestwright.host.enrol.roles import Role
from guestwright.http_api.shapes import decoded

GRANTS_MAX: Final = 20000
KEPT: Final = 30 * 86400.0  # seconds that a certificate is listed after its end


class _Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    serial: str
    name: str
    role: Role | None
    names: tuple[str, ...]
    begins: float
    ends: float
    revoked: float | None


class _Ledger(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    kind: str
    schema: int
    grants: tuple[_Line, ...]


_KIND: Final = "guestwright.enrol.issued"


def read_ledger(path: str) -> tuple[Grant, ...]:
    """What the file lists; nothing when there is no file.

    Raises:
        AuthorityDamaged: it cannot be read.
    """
    try:
        data = read_whole(path)
        if data is None:
            return ()
        found = decoded(data, _Ledger)
    except (OSError, msgspec.MsgspecError) as error:
        raise AuthorityDamaged(path=path, problem=str(error)) from error
    if found.kind != _KIND or found.schema != 1:
        raise AuthorityDamaged(path=path, problem=f"it is {found.kind} {found.schema}, not {_KIND} 1")
    return tuple(
        Grant(**{name: getattr(one, name) for name in one.__struct_fields__}) for one in found.grants
    )


def write_ledger(path: str, grants: Iterable[Grant], now: float) -> None:
    """Write the list, without what ended long ago.

    Raises:
        AuthorityNotKept: it cannot be written.
    """
    kept = [asdict(one) for one in grants if one.ends + KEPT > now][-GRANTS_MAX:]
    body = {"kind": _KIND, "schema": 1, "grants": kept}
    write_whole(path, msgspec.json.format(msgspec.json.encode(body)) + b"\n")


class Revocations:
    """What counts no more, as the file says now.

    Args:
        path: of the ledger.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._known: frozenset[str] = frozenset()
        self._revoked: frozenset[str] = frozenset()

    def valid(self, serial: str) -> bool:
        """Whether a certificate was issued and not revoked. A file that cannot be read makes none valid.

        Args:
            serial: as `Grant` has it.
        """
        with self._lock:
            try:
                there = os.stat(self._path)
                seen = (there.st_ino, there.st_mtime_ns, there.st_size)
                if seen != self._seen:
                    grants = read_ledger(self._path)
                    self._known = frozenset(one.serial for one in grants)
                    self._revoked = frozenset(one.serial for one in grants if one.revoked is not None)
                    self._seen = seen
            except (OSError, AuthorityDamaged):
                return False
            return serial in self._known and serial not in self._revoked
