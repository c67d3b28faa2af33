"""Things of one kind: read, added, changed, moved from state to state, removed; every change is told.

Theory of operation: a change names the version it was decided on and finds no row when somebody was faster
(`ChangedMeanwhile`, for an ETag). States change by events only, through their tables (`states`), and what
else must hold is looked at within the same transaction (`rules`). Each change adds an event to the stream,
which is written when the transaction commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Integer, RowMapping, delete, func, insert, select, update

from guestwright.base.record import fields, replace
from guestwright.engine.inventory.columns import storable
from guestwright.engine.inventory.errors import BadQuery, BrokenRule, ChangedMeanwhile, NotInInventory
from guestwright.engine.inventory.events import Told
from guestwright.engine.inventory.faults import refusals
from guestwright.engine.inventory.kinds import Kind
from guestwright.engine.inventory.machine import Machine
from guestwright.engine.inventory.model import Thing
from guestwright.engine.inventory.query import (
    PAGE_MAX,
    Filter,
    Op,
    Page,
    Query,
    after,
    all_of,
    check,
    condition,
    cursor,
)

T = TypeVar("T", bound=Thing)


class Repository(Generic[T]):
    """Things of one kind, within a transaction.

    Args:
        connection: of the transaction.
        kind: which things.
        now: the transaction's time, seconds since 1970.
        tell: takes the events of changes.
    """

    def __init__(self, connection: Connection, kind: Kind[T], now: float, tell: Told) -> None:
        self._connection = connection
        self._kind = kind
        self._table = kind.table
        self._now = now
        self._tell = tell

    def get(self, id: str) -> T:  # noqa: A002 - its name everywhere
        """One thing.

        Raises:
            NotInInventory: there is none.
        """
        found = self.find(id)
        if found is None:
            raise NotInInventory(what=self._kind.name, id=id)
        return found

    def find(self, id: str) -> T | None:  # noqa: A002 - as above
        """One thing; None when there is none."""
        if not storable(id):
            return None
        row = self._connection.execute(select(self._table).where(self._table.c.id == id)).mappings().first()
        return None if row is None else self._made(row)

    def named(self, name: str) -> T | None:
        """The one with a name; None when there is none. For kinds whose names are unique."""
        found = self.page(Query(filters=(Filter("name", Op.IS, name),), limit=1)).items
        return found[0] if found else None

    def add(self, thing: T) -> T:
        """Keep a new thing.

        Returns:
            It, with version 1 and its times.

        Raises:
            NotAllowedNow: a thing does not begin in its state.
            NameTaken, NothingToReferTo, BrokenRule: the database refuses it.
        """
        return self.add_all([thing])[0]

    def add_all(self, things: Sequence[T]) -> list[T]:
        """Keep several new things, all or none; as `add`."""
        made = [replace(one, version=1, created=self._now, changed=self._now) for one in things]
        rows = []
        for one in made:
            values = {each.name: getattr(one, each.name) for each in fields(one)}
            for machine in self._kind.machines:
                machine.begin(tuple(values[name] for name in machine.columns))
            rows.append(self._checked(values))
        if not rows:
            return []
        with refusals(self._kind.name):
            self._connection.execute(insert(self._table), rows)
        for one in made:
            self._told("added", one, ())
        return made

    def change(self, id: str, version: int | None, **values: Any) -> T:  # noqa: A002 - as above
        """Change a thing; nothing that belongs to its state.

        Args:
            id: of the thing.
            version: which must be the present one; None: whichever it is.
            values: by name of the field.

        Raises:
            NotInInventory, ChangedMeanwhile, NameTaken, NothingToReferTo, BrokenRule: it was not changed.
        """
        wrong = self._kind.guarded & values.keys() or values.keys() - {
            one.name for one in self._table.columns
        }
        if wrong:
            raise ValueError(f"not to be changed like this: {sorted(wrong)}")
        changed = self._update(id, version, values)
        self._told("changed", changed, tuple(sorted(values)))
        return changed

    def move(
        self,
        id: str,  # noqa: A002 - as above
        machine: Machine,
        event: StrEnum,
        version: int | None = None,
        **also: Any,
    ) -> T:
        """Let something happen to a thing.

        Args:
            id: of the thing.
            machine: the table that says where this leads.
            event: what happens.
            version: which must be the present one; None: whichever it is.
            also: other fields to change with it.

        Returns:
            The thing; as it was, and nothing is told, when neither its state nor anything else changes.

        Raises:
            NotAllowedNow: its state, or what belongs to it, does not allow this.
            NotInInventory, ChangedMeanwhile, BrokenRule: as `change`.
        """
        if machine not in self._kind.machines or self._kind.guarded & also.keys():
            raise ValueError(f"{self._kind.name} is not moved like this")
        held = self.hold(id)
        if version is not None and held.version != version:
            raise ChangedMeanwhile(what=self._kind.name, id=id, version=version)
        before = tuple(getattr(held, name) for name in machine.columns)
        standing = machine.after(before, event)
        guard = self._kind.guards.get(event)
        if guard is not None:
            guard(self._connection, id)
        if standing == before and all(getattr(held, name) == value for name, value in also.items()):
            return held
        states = dict(zip(machine.columns, standing, strict=True))
        changed = self._update(id, held.version, {**also, **states})
        self._told("changed", changed, tuple(sorted({**also, **states})), event)
        return changed

    def remove(self, id: str, version: int | None = None) -> T:  # noqa: A002 - as above
        """Remove a thing, and what is only a part of it.

        Raises:
            NotAllowedNow: its state does not allow this.
            StillUsed: other things refer to it.
            NotInInventory, ChangedMeanwhile: as `change`.
        """
        held = self.hold(id)
        if version is not None and held.version != version:
            raise ChangedMeanwhile(what=self._kind.name, id=id, version=version)
        for machine in self._kind.machines:
            machine.end(tuple(getattr(held, name) for name in machine.columns))
        with refusals(self._kind.name, id=id, removing=True):
            self._connection.execute(delete(self._table).where(self._table.c.id == id))
        self._told("removed", held, ())
        return held

    def page(self, query: Query) -> Page[T]:
        """A page of a list.

        Raises:
            BadQuery: a filter, the order, the limit or the cursor cannot be.
        """
        check(query)
        known = self._kind.fields
        query = replace(query, sort=query.sort or self._kind.sort)
        column = known.get(query.sort)
        own = self._table.columns.get(query.sort)
        if column is None or own is None or own.nullable:
            possible = sorted(
                one.name for one in self._table.columns if not one.nullable and one.name in known
            )
            problem = "lists have no such order"
            raise BadQuery(
                part="sort", value=query.sort, problem=problem, known=f"possible: {', '.join(possible)}"
            )
        identity = self._table.c.id
        start = after(query, column, identity)
        conditions = [condition(one, known) for one in query.filters]
        order = [column, identity] if query.sort != "id" else [identity]
        statement = (
            select(self._table)
            .select_from(self._source(query.filters))
            .order_by(*(one.desc() if query.descending else one for one in order))
            .limit(query.limit + 1)
        )
        if start is not None:
            conditions.append(start)
        if conditions:
            statement = statement.where(all_of(conditions))
        rows = self._connection.execute(statement).mappings().all()
        items = tuple(self._made(row) for row in rows[: query.limit])
        more = len(rows) > query.limit
        last = items[-1] if more else None
        return Page(items, cursor(query, getattr(last, query.sort), last.id) if last is not None else "")

    def all(self, *filters: Filter, most: int = 1000) -> tuple[T, ...]:
        """All that pass the filters, for short lists such as the drives of a machine; at most `most`."""
        return self.page(Query(filters=filters, limit=most)).items

    def each(self, *filters: Filter) -> Iterator[T]:
        """All that pass the filters, however many, in the order of their ids."""
        query = Query(filters=filters, sort="id", limit=PAGE_MAX)
        while True:
            found = self.page(query)
            yield from found.items
            if not found.cursor:
                return
            query = replace(query, cursor=found.cursor)

    def count(self, *filters: Filter) -> int:
        """How many pass the filters."""
        statement = select(func.count()).select_from(self._source(filters))
        if filters:
            statement = statement.where(all_of([condition(one, self._kind.fields) for one in filters]))
        return int(self._connection.scalar(statement) or 0)

    def _source(self, filters: Iterable[Filter]) -> Any:
        """The table alone, or joined with what a filter needs."""
        joined = self._kind.joined is not None and any(one.field in self._kind.more for one in filters)
        return self._kind.joined if joined else self._table

    def hold(self, id: str) -> T:  # noqa: A002 - as above
        """One thing that nobody else changes until the transaction, one that writes, ends.

        Raises:
            NotInInventory: there is none.
        """
        statement = select(self._table).where(self._table.c.id == id).with_for_update()
        row = None if not storable(id) else self._connection.execute(statement).mappings().first()
        if row is None:
            raise NotInInventory(what=self._kind.name, id=id)
        return self._made(row)

    def _update(self, id: str, version: int | None, values: Mapping[str, Any]) -> T:  # noqa: A002 - as above
        table = self._table
        statement = update(table).where(table.c.id == id)
        if version is not None:
            statement = statement.where(table.c.version == version)
        told = {**self._checked(values), "version": table.c.version + 1, "changed": self._now}
        with refusals(self._kind.name):
            row = self._connection.execute(statement.values(told).returning(table)).mappings().first()
        if row is not None:
            return self._made(row)
        if self.find(id) is None:
            raise NotInInventory(what=self._kind.name, id=id)
        raise ChangedMeanwhile(what=self._kind.name, id=id, version=version)

    def _made(self, row: RowMapping) -> T:
        return self._kind.record(**row)

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values, if every database can keep them: PostgreSQL takes no NUL, and 32 bits in an integer."""
        for name, value in values.items():
            kind = self._table.c[name].type
            if isinstance(value, str) and not storable(value):
                raise BrokenRule(what=self._kind.name, rule=f"{name}: no NUL, no half of a surrogate pair")
            wide = 63 if type(kind) is not Integer else 31
            if isinstance(value, int) and not -(1 << wide) <= value < 1 << wide:
                raise BrokenRule(what=self._kind.name, rule=f"{name}: at most {wide} bits")
        return dict(values)

    def _told(self, what: str, thing: T, changed: tuple[str, ...], event: StrEnum | None = None) -> None:
        body: dict[str, Any] = {"version": thing.version}
        if changed:
            body["fields"] = list(changed)
        if event is not None:
            body["event"] = str(event)
        for machine in self._kind.machines:
            body.update({name: str(getattr(thing, name)) for name in machine.columns})
        name = getattr(thing, "name", None)
        if isinstance(name, str):
            body["name"] = name
        self._tell(f"{self._kind.name}-{what}", thing.id, body)
