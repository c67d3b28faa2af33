"""What guests say, as it was last heard and as it was before. Nothing here ever waits for a guest.

Theory of operation: hosts tell of thousands of changes a second, so they are stored many at a time: one
transaction reads what is known of all guests of the batch, works out what is new, and writes each table with
one statement. The rows of the guests are taken first and in one order, so that two batches at once neither
mix nor block each other for ever. What is older than what is known is left out; what is the same only makes
the fact's last sight younger.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, select, update

from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.claims import FACTS, keep
from guestwright.engine.inventory.columns import encoded
from guestwright.engine.inventory.errors import BadFact
from guestwright.engine.inventory.events import Told
from guestwright.engine.inventory.summary import COLUMNS
from guestwright.engine.inventory.tables import fact_history, facts, guests, vms
from guestwright.engine.inventory.upsert import put_all

VALUE_MAX: Final = 256 << 10
"""Characters of a fact as JSON: the host admits 256 KiB of a whole guest."""
BATCH_MAX: Final = 5000
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_SOURCE_MAX: Final = 64
_READ: Final = COLUMNS.keys() | FACTS.keys()
_AGENT: Final[dict[str, Any]] = {
    "agent": bindparam("new_state"),
    "agent_reason": bindparam("new_reason"),
    "agent_since": bindparam("new_since"),
}


@record
class Update:
    """That a fact of a guest is such.

    Attributes:
        vm: id of the machine.
        name: of the fact: "host", "nics" ….
        value: JSON.
        source: who says so: "agent", "qemu-ga" ….
        at: when, seconds since 1970.
    """

    vm: str
    name: str
    value: Any
    source: str
    at: float


@record
class AgentUpdate:
    """That a guest's agent is in a state: `state` since `at` (seconds since 1970), `reason` for people."""

    vm: str
    state: AgentState
    at: float
    reason: str = ""


@record
class Stored:
    """What became of a batch.

    Attributes:
        changed: updates that said something new.
        same: those that only confirmed what was known, or were older than it.
        unknown: ids of machines that are not in the inventory.
    """

    changed: int
    same: int
    unknown: frozenset[str]


@record
class Fact:
    """A fact: `value` from `source`, so `since` a time and last `seen` at another (seconds since 1970)."""

    value: Any
    source: str
    since: float
    seen: float


@record
class Guest:
    """What lists show of a guest; `addresses` in the order of its cards; `seen`: the last sign."""

    agent: AgentState = AgentState.NEVER
    agent_reason: str = ""
    agent_since: float = 0.0
    hostname: str = ""
    os: str = ""
    addresses: tuple[str, ...] = ()
    seen: float = 0.0


@record
class Former:
    """A value that a fact took at a time; `number` is its place in the history."""

    number: int
    value: Any
    source: str
    at: float


class Facts:
    """Facts of all guests, within a transaction.

    Args:
        connection: of the transaction.
        tell: takes the events of changes.
    """

    def __init__(self, connection: Connection, tell: Told) -> None:
        self._connection = connection
        self._tell = tell

    def store(self, updates: Sequence[Update]) -> Stored:
        """Store what guests say; one event for each guest of which something changed.

        Args:
            updates: at most 5000, in the order in which they happened.

        Raises:
            BadFact: a name, a source or a value that is not kept; nothing was stored.
        """
        if len(updates) > BATCH_MAX:
            raise ValueError(f"at most {BATCH_MAX} at a time")
        texts = [check(one) for one in updates]
        latest: dict[str, float] = {}
        for one in updates:
            latest[one.vm] = max(one.at, latest.get(one.vm, 0.0))
        known = self._take(latest)
        present = self._present(known)
        history, rows = [], {}
        for one, text in zip(updates, texts, strict=True):
            key = one.vm, one.name
            if one.vm not in known:
                continue
            value, since, seen = present.get(key, ("", 0.0, -1.0))
            if one.at < seen:
                continue
            if text != value:
                since = one.at
                history.append(_row(one, text) | {"at": one.at})
            present[key] = text, since, one.at
            rows[key] = _row(one, text) | {"since": since, "seen": one.at}
        changed = {(one["vm_id"], one["name"]) for one in history}
        if rows:
            kept = [rows[key] for key in sorted(rows)]
            put_all(self._connection, facts, kept, ("value", "source", "since", "seen"))
        if history:
            put_all(self._connection, fact_history, history)
        values = {key: json.loads(rows[key]["value"]) for key in changed if key[1] in _READ}
        self._summarise(values)
        keep(self._connection, values)
        names: dict[str, list[str]] = {}
        for vm, name in sorted(changed):
            names.setdefault(vm, []).append(name)
        for vm, listed in names.items():
            self._tell("facts-changed", vm, {"names": listed})
        same = sum(one.vm in known for one in updates) - len(history)
        return Stored(changed=len(history), same=same, unknown=frozenset(latest.keys() - known))

    def agents(self, updates: Sequence[AgentUpdate]) -> frozenset[str]:
        """Store what hosts say of agents; an event for each that changed.

        Args:
            updates: at most 5000; of several for one guest the last counts.

        Returns:
            Ids of machines that are not in the inventory.
        """
        if len(updates) > BATCH_MAX:
            raise ValueError(f"at most {BATCH_MAX} at a time")
        last = {one.vm: one for one in updates}
        known = self._take({one.vm: one.at for one in last.values()})
        before = self.guests(known)
        rows = []
        for vm in sorted(known):
            one, was = last[vm], before[vm]
            if one.state is was.agent and was.agent_since:
                continue
            reason = printable(one.reason[:1024])
            rows.append({"vm": vm, "new_state": one.state, "new_reason": reason, "new_since": one.at})
            self._tell("agent-changed", vm, {"before": was.agent, "state": one.state, "reason": reason})
        if rows:
            own = guests.c.vm_id == bindparam("vm")
            self._connection.execute(update(guests).where(own).values(_AGENT), rows)
        return frozenset(last.keys() - known)

    def of(self, vm: str) -> dict[str, Fact]:
        """All facts of a guest by name; empty for one that has said nothing."""
        statement = select(facts).where(facts.c.vm_id == vm).order_by(facts.c.name)
        return {
            row["name"]: Fact(
                value=json.loads(row["value"]), source=row["source"], since=row["since"], seen=row["seen"]
            )
            for row in self._connection.execute(statement).mappings()
        }

    def guests(self, ids: Collection[str]) -> dict[str, Guest]:
        """What lists show of some guests, by id; one that has said nothing is there, too."""
        statement = select(guests).where(guests.c.vm_id.in_(ids))
        found = {
            row["vm_id"]: Guest(
                agent=row["agent"],
                agent_reason=row["agent_reason"],
                agent_since=row["agent_since"],
                hostname=row["hostname"],
                os=row["os"],
                addresses=tuple(row["addresses"].split()),
                seen=row["seen"],
            )
            for row in self._connection.execute(statement).mappings()
        }
        return {one: found.get(one, Guest()) for one in ids}

    def history(self, vm: str, name: str, *, before: int = 0, most: int = 100) -> tuple[Former, ...]:
        """Values that a fact had, the newest first; the first of them is the present one.

        Args:
            vm: id of the machine.
            name: of the fact.
            before: number that the page before ended with; 0 for the first page.
            most: of them, 1 to 1000.
        """
        table = fact_history
        statement = select(table.c.number, table.c.value, table.c.source, table.c.at)
        statement = statement.where(table.c.vm_id == vm, table.c.name == name)
        if before:
            statement = statement.where(table.c.number < before)
        rows = self._connection.execute(
            statement.order_by(table.c.number.desc()).limit(max(1, min(most, 1000)))
        )
        return tuple(Former(number=n, value=json.loads(v), source=s, at=at) for n, v, s, at in rows)

    def prune(self, *, older: float, most: int) -> int:
        """Forget history; what facts say now stays.

        Args:
            older: values from before this time go, seconds since 1970.
            most: of the others, how many stay in all.

        Returns:
            How many are gone.
        """
        table = fact_history
        end = self._connection.scalar(select(func.max(table.c.number))) or 0
        gone = delete(table).where((table.c.at < older) | (table.c.number <= end - most))
        return int(self._connection.execute(gone).rowcount)

    def _take(self, seen: Mapping[str, float]) -> set[str]:
        """Hold the rows of those guests that are machines of ours until the transaction ends."""
        asked = select(vms.c.id).where(vms.c.id.in_(seen)).order_by(vms.c.id)
        known = list(self._connection.scalars(asked.with_for_update(read=True, key_share=True)))
        empty = {"agent": AgentState.NEVER, "agent_reason": "", "agent_since": 0.0}
        empty |= {"hostname": "", "os": "", "addresses": ""}
        rows = [{"vm_id": one, "seen": seen[one], **empty} for one in known]
        if rows:
            put_all(self._connection, guests, rows, rising="seen")
        return set(known)

    def _present(self, known: set[str]) -> dict[tuple[str, str], tuple[str, float, float]]:
        asked = select(facts.c.vm_id, facts.c.name, facts.c.value, facts.c.since, facts.c.seen)
        found = self._connection.execute(asked.where(facts.c.vm_id.in_(known)))
        return {(vm, name): (value, since, seen) for vm, name, value, since, seen in found}

    def _summarise(self, changed: Mapping[tuple[str, str], Any]) -> None:
        for name, (column, read) in COLUMNS.items():
            rows = [
                {"vm": vm, "text": read(value)}
                for (vm, fact), value in sorted(changed.items(), key=itemgetter(0))
                if fact == name
            ]
            if rows:
                statement = update(guests).where(guests.c.vm_id == bindparam("vm"))
                self._connection.execute(statement.values({column: bindparam("text")}), rows)


def _row(one: Update, text: str) -> dict[str, Any]:
    return {"vm_id": one.vm, "name": one.name, "value": text, "source": one.source}


def check(one: Update) -> str:
    """The value of an update as text.

    Raises:
        BadFact: it is not one that is kept.
    """
    problem, text = "", ""
    if not _NAME.fullmatch(one.name):
        problem = "a name is a lower-case word of at most 64 characters"
    elif not 0 < len(one.source) <= _SOURCE_MAX or not one.source.isascii() or not one.source.isprintable():
        problem = "its source is no word"
    else:
        try:
            text = encoded(one.value)
        except (ValueError, TypeError, RecursionError):
            problem = "it is no JSON"
        if len(text) > VALUE_MAX:
            problem = f"it has {len(text)} characters, and {VALUE_MAX} are the most"
    if problem:
        raise BadFact(vm=one.vm, name=one.name[:64], problem=problem)
    return text
