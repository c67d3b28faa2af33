"""Updates gather before the database: all are stored, in order; room is bounded; failures are waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import BadFact, DatabaseUnusable
from guestwright.engine.inventory.facts import AgentUpdate, Update
from guestwright.engine.inventory.gathering import Gathering
from guestwright.engine.inventory.transaction import Transaction
from tests.support.inventories import vm


@pytest.fixture
def web(database: Database) -> str:
    with database.write() as tx:
        return tx.vms.add(vm("web")).id


def fact(of: str, number: int, name: str = "count") -> Update:
    return Update(vm=of, name=name, value=number, source="agent", at=float(number))


def test_all_are_stored_in_order(database: Database, web: str) -> None:
    unknown: list[frozenset[str]] = []
    with Gathering(database, most=100, unknown=unknown.append) as gathering:
        for number in range(50):
            assert gathering.put([fact(web, number), fact(web, number, f"n{number % 7}")])
        assert gathering.put([AgentUpdate(vm=web, state=AgentState.LIVE, at=1.0), fact("other", 1)])
        assert gathering.put([fact(web, number) for number in range(50, 1600)])
        assert gathering.flush(100)
        assert unknown == [{"other"}]
    with database.read() as tx:
        assert [one.value for one in tx.facts.history(web, "count", most=1000)] == list(range(1599, 599, -1))
        assert tx.facts.of(web)["n6"].value == 48
        assert tx.facts.guests([web])[web].agent is AgentState.LIVE


def test_a_close_stores_what_has_gathered(database: Database, web: str) -> None:
    gathering = Gathering(database)
    assert gathering.put([fact(web, number) for number in range(30)])
    assert gathering.close() == 0
    assert not gathering.put([fact(web, 99)])
    with database.read() as tx:
        assert tx.facts.of(web)["count"].value == 29


def test_what_is_never_kept_is_refused_at_once(database: Database, web: str) -> None:
    with Gathering(database) as gathering:
        with pytest.raises(BadFact):
            gathering.put([fact(web, 1), fact(web, 2, "Not a name")])
        assert gathering.flush(60)
    with database.read() as tx:
        assert tx.facts.of(web) == {}


class Away:
    """A database that does not answer until it is told to."""

    def __init__(self, real: Database) -> None:
        self.real = real
        self.back = threading.Event()
        self.asked = threading.Event()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        self.asked.set()
        if not self.back.is_set():
            raise DatabaseUnusable(database="x", problem="it is away")
        with self.real.write() as tx:
            yield tx


def test_what_has_gathered_stays_while_the_database_is_away(database: Database, web: str) -> None:
    away = Away(database)
    with Gathering(away, most=2) as gathering:  # type: ignore[arg-type]  # stands in for a database
        assert gathering.put([fact(web, 1), fact(web, 2)])
        assert away.asked.wait(60)
        assert not gathering.put([fact(web, 3)], timeout=0.05)
        away.back.set()
        assert gathering.put([fact(web, 3)])
        assert gathering.flush(60)
    with database.read() as tx:
        assert [one.value for one in tx.facts.history(web, "count")] == [3, 2, 1]


def test_a_close_does_not_wait_for_a_database_that_is_away(database: Database, web: str) -> None:
    away = Away(database)
    gathering = Gathering(away)  # type: ignore[arg-type]  # as above
    assert gathering.put([fact(web, 1), fact(web, 2)])
    assert away.asked.wait(60)
    assert gathering.close() == 2
