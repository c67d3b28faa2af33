"""Storage domains and volumes of a host, recorded with their standing.

Theory of operation: first everything is compared in one transaction that only reads; most of the time there
is nothing to write. What differs is written one by one, so that one that is refused keeps no other back. A
volume that a job of the engine works on (`job` is set) is that job's to record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from guestwright.base.printable import printable
from guestwright.engine.following.said import Storage
from guestwright.engine.following.said import Volume as Said
from guestwright.engine.following.standing import begins, events_to
from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory, StillUsed
from guestwright.engine.inventory.model import StorageDomain, Volume
from guestwright.engine.inventory.query import Filter, Op, Query
from guestwright.engine.inventory.states import HostEvent, HostState, Sealing, VolumeKind, VolumeState
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates.rows import derived

_GONE = "its host has it no more"


class Volumes:
    """Records what a host's storage holds.

    Args:
        database: the inventory.
        host: id of the host.
        tally: counts what was done and refused.
    """

    def __init__(self, database: Database, host: str, tally: Tally) -> None:
        self._database = database
        self._host = host
        self._tally = tally

    def storage(self, said: Sequence[Storage]) -> dict[str, StorageDomain]:
        """Record the storage domains of the host.

        Args:
            said: all of them; those that are not among them are recorded as unreachable.

        Returns:
            Them, by name.
        """
        with self._database.read() as tx:
            known = {one.name: one for one in tx.storage.all(Filter("host_id", Op.IS, self._host))}
        found: dict[str, StorageDomain] = {}
        for one in said:
            with self._tally.taking("storage"):
                found[one.name] = self._storage(known.get(one.name), one)
        for name in known.keys() - {one.name for one in said}:
            self._try("storage", partial(lost, storage=known[name].id, reason=_GONE))
        return found

    def _storage(self, known: StorageDomain | None, said: Storage) -> StorageDomain:
        sizes = {"capacity": said.capacity, "free": min(said.free, said.capacity)}
        if known is not None and known.state in (HostState.UP, HostState.MAINTENANCE) and _same(known, sizes):
            return known
        with self._database.write() as tx:
            if known is None:
                id_ = derived(self._host, "storage", said.name)
                known = tx.storage.add(StorageDomain(id=id_, host_id=self._host, name=said.name))
            if known.state in (HostState.UP, HostState.MAINTENANCE):
                return tx.storage.change(known.id, None, **sizes)
            return tx.storage.move(known.id, states.STORAGE, HostEvent.CONNECTED, reason="", **sizes)

    def volumes(self, domain: StorageDomain, said: Sequence[Said]) -> None:
        """Record the volumes of a storage domain; those that are gone there become illegal, or are forgotten.

        Args:
            domain: as it is recorded.
            said: all its volumes.
        """
        known = self._known(domain.id)
        there = {one.id for one in said}
        for one in _parents_first(said):
            self._try("volume", partial(self._volume, domain=domain, known=known, said=one))
        for id_, row in known.items():
            if id_ not in there and not row.job:
                self._try("volume", partial(_vanished, row=row))
                self._forget(id_)

    def _forget(self, id_: str) -> None:
        """Remove a volume that is gone, unless a disk or another volume refers to it."""
        with suppress(StillUsed, NotInInventory), self._database.write() as tx:
            if not tx.volumes.hold(id_).job:
                tx.volumes.remove(id_)

    def _known(self, domain: str) -> dict[str, Volume]:
        known: dict[str, Volume] = {}
        cursor = ""
        with self._database.read() as tx:
            while True:
                query = Query(filters=(Filter("domain_id", Op.IS, domain),), limit=1000, cursor=cursor)
                page = tx.volumes.page(query)
                known |= {one.id: one for one in page.items}
                cursor = page.cursor
                if not cursor:
                    return known

    def _volume(self, tx: Transaction, domain: StorageDomain, known: dict[str, Volume], said: Said) -> None:
        row = known.get(said.id) or tx.volumes.find(said.id)
        if row is None:
            state, kind, sealing = begins(said)
            row = tx.volumes.add(
                Volume(
                    id=said.id,
                    domain_id=domain.id,
                    format=said.format,
                    size=said.size,
                    state=VolumeState(state),
                    kind=VolumeKind(kind),
                    sealing=Sealing(sealing),
                    description=printable(said.description),
                    parent_id=said.parent if said.parent and tx.volumes.find(said.parent) else None,
                )
            )
            self._tally.count("volumes-added")
        if row.domain_id != domain.id:
            self._tally.refused("volume", f"{said.id} is in another storage domain already")
            return
        if row.job:
            return
        reason = said.reason if said.state is VolumeState.ILLEGAL else ""
        for event in events_to((row.state, row.kind, row.sealing), said):
            row = tx.volumes.move(row.id, states.VOLUME, event, reason=reason)
            self._tally.count("volumes-moved")
        changes = {
            name: value
            for name, value in (("generation", said.generation), ("size", said.size), ("reason", reason))
            if getattr(row, name) != value
        }
        if changes:
            tx.volumes.change(row.id, row.version, **changes)

    def _try(self, what: str, work: Callable[[Transaction], object]) -> None:
        """Do something in a transaction of its own; what is refused is counted, and no more."""
        with self._tally.taking(what), self._database.write() as tx:
            work(tx)


def lost(tx: Transaction, storage: str, reason: str) -> None:
    """Record that a storage domain is out of reach."""
    if tx.storage.hold(storage).state is HostState.UP:
        tx.storage.move(storage, states.STORAGE, HostEvent.LOST, reason=reason)


def _same(known: StorageDomain, sizes: dict[str, int]) -> bool:
    return all(getattr(known, name) == value for name, value in sizes.items())


def _parents_first(said: Sequence[Said]) -> list[Said]:
    """Those that others stand on first, as far as chains are no circles."""
    waiting = {one.id: one for one in said}
    found: list[Said] = []
    while waiting:
        free = [one for one in waiting.values() if one.parent not in waiting] or list(waiting.values())
        found += free
        for one in free:
            del waiting[one.id]
    return found


def _vanished(tx: Transaction, row: Volume) -> None:
    present = tx.volumes.hold(row.id)
    if present.job or present.reason == _GONE:
        return
    if present.state is not VolumeState.ILLEGAL:
        tx.volumes.move(row.id, states.VOLUME, states.VolumeEvent.CONDEMNED, reason=_GONE)
    else:
        tx.volumes.change(row.id, None, reason=_GONE)
