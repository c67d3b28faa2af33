"""Identities that several machines claim: kept while it is so, and told when it begins and ends.

Theory of operation: what is kept is what was told, so that neither an engine that is started again nor one
more that follows the same host tells it a second time. Most of the time there is nothing new, and reading is
enough to find that out. When two engines record the same at once, one of them is refused, looks again, and
finds it done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from guestwright.base.printable import printable
from guestwright.engine.following.said import Duplicate
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import (
    ChangedMeanwhile,
    NameTaken,
    NothingToReferTo,
    NotInInventory,
)
from guestwright.engine.inventory.model import Alarm
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates.rows import derived

FOUND: Final = "duplicate-found"
OVER: Final = "duplicate-over"
_MOST: Final = 10_000
_SHOWN: Final = 100
_VALUE_MAX: Final = 256
_ATTEMPTS: Final = 3
_FASTER: Final = (ChangedMeanwhile, NameTaken, NothingToReferTo, NotInInventory)

Wanted = Mapping[str, Duplicate | None]
"""Alarms by id; None for one that is over."""


class Alarms:
    """Keeps the duplicates of one host, or those across hosts.

    Args:
        database: where, and whose stream it is.
        host: id of the host; None for what machines of several hosts claim.
    """

    def __init__(self, database: Database, host: str | None) -> None:
        self._database = database
        self._host = host
        self._subject = host or ""  # of events; a filter takes "" for none

    def all(self, said: Sequence[Duplicate]) -> None:
        """All that there are now."""
        wanted: dict[str, Duplicate | None] = {self._id(one): one for one in said[:_MOST]}
        with self._database.read() as tx:
            known = [one.id for one in tx.alarms.each(Filter("host_id", Op.IS, self._subject))]
        self._record({**dict.fromkeys(known), **wanted})

    def found(self, one: Duplicate) -> None:
        """One is there, or claimed by others than before."""
        self._record({self._id(one): one})

    def over(self, one: Duplicate) -> None:
        """One is there no more."""
        self._record({self._id(one): None})

    def _record(self, wanted: Wanted) -> None:
        for attempt in range(_ATTEMPTS):
            with self._database.read() as tx:
                if self._host is not None and tx.hosts.find(self._host) is None:
                    return
                news = {id_: one for id_, one in wanted.items() if not _same(tx.alarms.find(id_), one)}
            if not news:
                return
            try:
                with self._database.write() as tx:
                    for id_, one in news.items():
                        self._keep(tx, id_, one)
            except _FASTER:
                if attempt + 1 == _ATTEMPTS:
                    raise

    def _keep(self, tx: Transaction, id_: str, one: Duplicate | None) -> None:
        known = tx.alarms.find(id_)
        if _same(known, one):
            return
        if one is None and known is not None:
            tx.alarms.remove(id_, known.version)
            tx.tell(OVER, self._subject, _body(known))
        elif one is not None and known is not None:
            changed = tx.alarms.change(id_, known.version, machines=_listed(one), claimants=len(one.domains))
            tx.tell(FOUND, self._subject, _body(changed))
        elif one is not None and tx.alarms.count(Filter("host_id", Op.IS, self._subject)) < _MOST:
            made = Alarm(
                id=id_,
                host_id=self._host,
                kind=printable(one.kind),
                value=_value(one),
                machines=_listed(one),
                claimants=len(one.domains),
            )
            tx.tell(FOUND, self._subject, _body(tx.alarms.add(made)))

    def _id(self, one: Duplicate) -> str:
        return derived(self._subject, "alarm", printable(one.kind), _value(one))


def _same(known: Alarm | None, one: Duplicate | None) -> bool:
    """Whether an alarm is kept as it is now."""
    if known is None or one is None:
        return known is None and one is None
    return (known.machines, known.claimants) == (_listed(one), len(one.domains))


def _value(one: Duplicate) -> str:
    return printable(one.value[:_VALUE_MAX])


def _listed(one: Duplicate) -> str:
    return f" {' '.join(one.domains[:_SHOWN])} "


def _body(alarm: Alarm) -> dict[str, object]:
    machines = alarm.machines.split()
    return {"kind": alarm.kind, "value": alarm.value, "domains": machines, "count": alarm.claimants}
