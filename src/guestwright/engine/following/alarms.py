"""Identities that several domains of a host claim, as events of the engine's stream: each told once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guestwright.base.printable import printable
from guestwright.engine.following.said import Duplicate
from guestwright.engine.inventory.database import Database

FOUND: Final = "duplicate-found"
OVER: Final = "duplicate-over"
_MOST: Final = 10_000
_SHOWN: Final = 100


class Alarms:
    """Tells of the duplicates of one host.

    Args:
        database: whose stream it is.
        host: id of the host.
    """

    def __init__(self, database: Database, host: str) -> None:
        self._database = database
        self._host = host
        self._known: dict[tuple[str, str], Duplicate] = {}

    def all(self, said: Sequence[Duplicate]) -> None:
        """All that there are now."""
        now = {(one.kind, one.value): one for one in said[:_MOST]}
        over = [one for key, one in self._known.items() if key not in now]
        found = [one for key, one in now.items() if self._known.get(key) != one]
        self._tell(found, over)

    def found(self, one: Duplicate) -> None:
        """One is there, or claimed by others than before."""
        if self._known.get((one.kind, one.value)) != one and len(self._known) < _MOST:
            self._tell([one], [])

    def over(self, one: Duplicate) -> None:
        """One is there no more."""
        if (one.kind, one.value) in self._known:
            self._tell([], [one])

    def _tell(self, found: Sequence[Duplicate], over: Sequence[Duplicate]) -> None:
        if not found and not over:
            return
        with self._database.write() as tx:
            for kind, listed in ((FOUND, found), (OVER, over)):
                for one in listed:
                    tx.tell(kind, self._host, _body(one))
        for one in over:
            self._known.pop((one.kind, one.value), None)
        self._known |= {(one.kind, one.value): one for one in found}


def _body(one: Duplicate) -> dict[str, object]:
    value = printable(one.value[:256])
    shown = list(one.domains[:_SHOWN])
    return {"kind": printable(one.kind), "value": value, "domains": shown, "count": len(one.domains)}
