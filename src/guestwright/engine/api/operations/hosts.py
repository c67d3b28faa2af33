"""Operations on hosts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, matching, query_of, shown
from guestwright.engine.inventory import states, syspreps
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import (
    ChangedMeanwhile,
    NameTaken,
    NotAllowedNow,
    NotInInventory,
    StillUsed,
)
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import Host, StorageDomain
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import HostEvent, HostState
from guestwright.engine.inventory.transaction import Transaction

_TAG: Final = "hosts"
_ONE: Final = "/hosts/{id}"
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Address = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=r"^[!-~]+$")]


class HostReply(msgspec.Struct, frozen=True):
    """A hypervisor host.

    Attributes:
        id: its own.
        version: rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        name: of the host.
        address: of its service: HOST:PORT, or unix:PATH.
        state: of the link to it.
        reason: of the state, for people.
        hypervisor: what it runs.
        software: version of its service.
        cpus: how many.
        memory: bytes.
    """

    id: str
    version: int
    created: float
    changed: float
    name: str
    address: str
    state: HostState
    reason: str
    hypervisor: str
    software: str
    cpus: int
    memory: int


class HostList(msgspec.Struct, frozen=True):
    """A page of hosts; `next` is the cursor of the next one."""

    items: tuple[HostReply, ...]
    next: str | None


class HostBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A host to be added.

    Attributes:
        name: for people.
        address: of its service: HOST:PORT, or unix:PATH.
    """

    name: _Name
    address: _Address


class HostChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to change of a host; what is not given stays.

    Attributes:
        name: for people.
        address: of its service.
        maintenance: whether the engine leaves it alone.
    """

    name: _Name | msgspec.UnsetType = msgspec.UNSET
    address: _Address | msgspec.UnsetType = msgspec.UNSET
    maintenance: bool | msgspec.UnsetType = msgspec.UNSET


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, randomness: Callable[[int], bytes]) -> None:
        self._database = database
        self._randomness = randomness

    def all(self, call: Call) -> HostList:
        with self._database.read() as tx:
            return listed(HostList, tx.hosts.page(query_of(call.query)), _show)

    def one(self, call: Call) -> Answer:
        with self._database.read() as tx:
            return _answer(tx.hosts.get(call.path["id"]))

    def add(self, call: Call) -> Answer:
        body: HostBody = call.body
        with self._database.write() as tx:
            made = Host(id=new_id(tx.now, self._randomness(10)), name=body.name, address=body.address)
            kept = tx.hosts.add(made)
        return Answer(value=_show(kept), version=kept.version, location=f"/hosts/{kept.id}")

    def change(self, call: Call) -> Answer:
        body: HostChange = call.body
        named = {"name": body.name, "address": body.address}
        values = {name: value for name, value in named.items() if value is not msgspec.UNSET}
        with self._database.write() as tx:
            host = matching(call, tx.hosts.hold(call.path["id"]), "host")
            if values:
                host = tx.hosts.change(host.id, host.version, **values)
            if body.maintenance is not msgspec.UNSET:
                event = HostEvent.MAINTENANCE if body.maintenance else HostEvent.ACTIVATED
                host = tx.hosts.move(host.id, states.HOST, event)
                for one in tx.storage.all(Filter("host_id", Op.IS, host.id)):
                    _follow(tx, one, event)
            return _answer(host)

    def remove(self, call: Call) -> None:
        with self._database.write() as tx:
            host = matching(call, tx.hosts.hold(call.path["id"]), "host")
            states.HOST.end((host.state,))
            for one in tx.storage.all(Filter("host_id", Op.IS, host.id)):
                _follow(tx, one, HostEvent.MAINTENANCE)
                tx.storage.remove(one.id)
            for left in tx.syspreps.each(Filter("host", Op.IS, host.id)):
                syspreps.fail(tx, left.id, "", f"its host {host.name} is looked after no more")
            tx.hosts.remove(host.id)


def _follow(tx: Transaction, domain: StorageDomain, event: HostEvent) -> None:
    """A storage domain goes where its host goes, if it can."""
    if ((domain.state,), event) in states.STORAGE.moves:
        tx.storage.move(domain.id, states.STORAGE, event)


def _show(host: Host) -> HostReply:
    return shown(HostReply, host)


def _answer(host: Host) -> Answer:
    return Answer(value=_show(host), version=host.version)


def host_endpoints(
    database: Database, randomness: Callable[[int], bytes] = os.urandom
) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
        randomness: so many bytes, cryptographic.
    """
    do = _Operations(database, randomness)
    return (
        Endpoint(
            name="hosts",
            method="GET",
            path="/hosts",
            right=Right.READ,
            summary="Hosts.",
            handle=do.all,
            reply=HostList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="host-add",
            method="POST",
            path="/hosts",
            right=Right.HOST_CHANGE,
            summary="Add a host; the engine connects to it by itself.",
            handle=do.add,
            reply=HostReply,
            body=HostBody,
            status=201,
            errors=(NameTaken,),
            tag=_TAG,
            kept=True,
        ),
        Endpoint(
            name="host",
            method="GET",
            path=_ONE,
            right=Right.READ,
            summary="One host.",
            handle=do.one,
            reply=HostReply,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
        *_changes(do),
    )


def _changes(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="host-change",
            method="PATCH",
            path=_ONE,
            right=Right.HOST_CHANGE,
            summary="Change a host, or put it and its storage into maintenance and back.",
            handle=do.change,
            reply=HostReply,
            body=HostChange,
            errors=(NotInInventory, NameTaken, NotAllowedNow, ChangedMeanwhile),
            tag=_TAG,
            matched=True,
        ),
        Endpoint(
            name="host-remove",
            method="DELETE",
            path=_ONE,
            right=Right.HOST_CHANGE,
            summary="Forget a host in maintenance that holds no machines and no volumes.",
            handle=do.remove,
            reply=None,
            status=204,
            errors=(NotInInventory, StillUsed, NotAllowedNow, ChangedMeanwhile),
            tag=_TAG,
            matched=True,
        ),
    )
