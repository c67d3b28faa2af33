"""Operations on what guests have said: from the database, with its age, never from a guest."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Call, Endpoint, Later
from guestwright.engine.api.lists import Limit
from guestwright.engine.api.operations.alarms import AlarmReply, alarms_of
from guestwright.engine.api.operations.vms import GuestSummary, summary
from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.facts import Guest
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import PayloadState
from guestwright.engine.inventory.transaction import Transaction

WAIT_MAX: Final = 50.0  # seconds; proxies cut at 60
_TAG: Final = "guests"
_LOCAL: Final = ("127.", "::1", "fe80:", "169.254.")  # RFC 1122 3.2.1.3, RFC 4291 2.5, RFC 3927
_OVER: Final = frozenset({PayloadState.CONSUMED, PayloadState.SCRUBBED})


class Until(StrEnum):
    """What can be waited for."""

    AGENT = "agent"
    IP = "ip"
    CUSTOMISED = "customised"


class FactReply(msgspec.Struct, frozen=True):
    """What a guest says.

    Attributes:
        value: any JSON.
        source: who says so.
        since: it is so, seconds since 1970.
        seen: it was last confirmed, seconds since 1970.
        age: seconds since then.
    """

    value: Any
    source: str
    since: float
    seen: float
    age: float


class GuestFacts(msgspec.Struct, frozen=True):
    """All that is known of a guest.

    Attributes:
        guest: what lists show.
        age: seconds since the last sign of it; None for none.
        facts: by name.
        alarms: identities that it shares with other machines.
    """

    guest: GuestSummary
    age: float | None
    facts: dict[str, FactReply]
    alarms: tuple[AlarmReply, ...]


class HistoryQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which part of the history of which fact.

    Attributes:
        fact: its name.
        limit: values in a page.
        cursor: `next` of the page before.
    """

    fact: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    limit: Limit = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)] = 0


class FormerReply(msgspec.Struct, frozen=True):
    """A value that a fact took.

    Attributes:
        at: when, seconds since 1970.
        value: any JSON.
        source: who said so.
    """

    at: float
    value: Any
    source: str


class History(msgspec.Struct, frozen=True):
    """Values of a fact, the newest first; `next` is the cursor of the next page."""

    items: tuple[FormerReply, ...]
    next: str | None


class WaitBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to wait for.

    Attributes:
        until: the agent is live; there is an address that others can reach; or the agent is live and every
            payload of the machine was consumed.
        timeout: seconds.
    """

    until: Until
    timeout: Annotated[float, msgspec.Meta(ge=0, le=WAIT_MAX)] = 30.0


class Waited(msgspec.Struct, frozen=True):
    """How it is now.

    Attributes:
        reached: whether what was waited for has come; if not, ask again.
        guest: what lists show.
    """

    reached: bool
    guest: GuestSummary


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self, call: Call) -> GuestFacts:
        vm = call.path["id"]
        with self._database.read() as tx:
            tx.vms.get(vm)
            known, guest, now = tx.facts.of(vm), tx.facts.guests([vm])[vm], tx.now
            alarms = alarms_of(tx, vm)
        facts = {
            name: FactReply(
                value=one.value, source=one.source, since=one.since, seen=one.seen, age=now - one.seen
            )
            for name, one in known.items()
        }
        age = now - guest.seen if guest.seen else None
        return GuestFacts(guest=summary(guest), age=age, facts=facts, alarms=alarms)

    def history(self, call: Call) -> History:
        vm, asked = call.path["id"], call.query
        with self._database.read() as tx:
            tx.vms.get(vm)
            rows = tx.facts.history(vm, asked.fact, before=asked.cursor, most=asked.limit)
        items = tuple(FormerReply(at=one.at, value=one.value, source=one.source) for one in rows)
        return History(items=items, next=str(rows[-1].number) if len(rows) == asked.limit else None)

    def wait(self, call: Call) -> Waited | Later:
        vm = call.path["id"]
        with self._database.read() as tx:
            tx.vms.get(vm)
            guest = tx.facts.guests([vm])[vm]
            reached = _reached(tx, vm, guest, call.body.until)
        told = Waited(reached=reached, guest=summary(guest))
        return told if reached else Later(value=told)


def _reached(tx: Transaction, vm: str, guest: Guest, until: Until) -> bool:
    if until is Until.IP:
        return any(not one.startswith(_LOCAL) for one in guest.addresses)
    if guest.agent is not AgentState.LIVE:
        return False
    uses = tx.payload_uses.all(Filter("vm_id", Op.IS, vm)) if until is Until.CUSTOMISED else ()
    return all(one.state in _OVER for one in uses)


def guest_endpoints(database: Database) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
    """
    do = _Operations(database)
    missing = (NotInInventory,)
    return (
        Endpoint(
            name="guest",
            method="GET",
            path="/vms/{id}/guest",
            right=Right.READ,
            summary="What a guest has said, each fact with source and age; no guest is asked.",
            handle=do.facts,
            reply=GuestFacts,
            errors=missing,
            tag=_TAG,
        ),
        Endpoint(
            name="guest-history",
            method="GET",
            path="/vms/{id}/history",
            right=Right.READ,
            summary="Values that a fact of a guest had.",
            handle=do.history,
            reply=History,
            query=HistoryQuery,
            errors=missing,
            tag=_TAG,
        ),
        Endpoint(
            name="guest-wait",
            method="POST",
            path="/vms/{id}/wait",
            right=Right.READ,
            summary="Wait until a guest is there; ask again when it was not reached.",
            handle=do.wait,
            reply=Waited,
            body=WaitBody,
            wait=lambda call: float(call.body.timeout),
            errors=missing,
            tag=_TAG,
            audited=True,  # nothing is changed
        ),
    )
