"""Operations on alarms: identities that should be one machine's, and are claimed by several."""

from __future__ import annotations

from typing import Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, query_of
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.model import Alarm
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.transaction import Transaction

_TAG: Final = "guests"
_MOST: Final = 100


class Claimant(msgspec.Struct, frozen=True):
    """Who claims an identity.

    Attributes:
        id: of the machine.
        name: of it; "" for one that is in the inventory no more.
    """

    id: str
    name: str


class AlarmReply(msgspec.Struct, frozen=True):
    """An identity that several machines claim: clones that were not sealed, most often.

    Attributes:
        id: its own.
        created: since when it is so, seconds since 1970.
        changed: since when these machines claim it.
        kind: "machine-id", "ssh-host-key" or "mac-address".
        value: hash of the machine id, fingerprint of the key, or the address.
        host_id: where they are; null when they are on several hosts.
        machines: who claims it; of very many the first hundred.
        claimants: how many they are.
    """

    id: str
    created: float
    changed: float
    kind: str
    value: str
    host_id: str | None
    machines: tuple[Claimant, ...]
    claimants: int


class AlarmList(msgspec.Struct, frozen=True):
    """A page of alarms; `next` is the cursor of the next one."""

    items: tuple[AlarmReply, ...]
    next: str | None


def claimants(tx: Transaction, alarm: Alarm) -> dict[str, str]:
    """Names of the machines of an alarm, by id; "" of those that are in the inventory no more."""
    ids = alarm.machines.split()
    found = {id_: tx.vms.find(id_) for id_ in ids}
    return {id_: "" if vm is None else vm.name for id_, vm in found.items()}


def alarms_of(tx: Transaction, vm: str) -> tuple[AlarmReply, ...]:
    """What a machine claims that others claim, too."""
    return tuple(_show(tx, one) for one in tx.alarms.all(Filter("machines", Op.HAS, vm), most=_MOST))


def _show(tx: Transaction, alarm: Alarm) -> AlarmReply:
    same = ("id", "created", "changed", "kind", "value", "host_id", "claimants")
    machines = tuple(Claimant(id=id_, name=name) for id_, name in claimants(tx, alarm).items())
    return AlarmReply(machines=machines, **{name: getattr(alarm, name) for name in same})


def alarm_endpoints(database: Database) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
    """

    def every(call: Call) -> AlarmList:
        with database.read() as tx:
            page = tx.alarms.page(query_of(call.query))
            return listed(AlarmList, page, lambda one: _show(tx, one))

    def one(call: Call) -> Answer:
        with database.read() as tx:
            found = tx.alarms.get(call.path["id"])
            return Answer(value=_show(tx, found), version=found.version)

    return (
        Endpoint(
            name="alarms",
            method="GET",
            path="/alarms",
            right=Right.READ,
            summary="Identities that several machines claim now; `filter=machines:has:ID` for one machine's.",
            handle=every,
            reply=AlarmList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="alarm",
            method="GET",
            path="/alarms/{id}",
            right=Right.READ,
            summary="One of them; it is not found any more once it is over.",
            handle=one,
            reply=AlarmReply,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
    )
