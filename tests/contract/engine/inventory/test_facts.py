"""Facts: many at once, the newest counts, history, what lists show, limits."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import BadFact
from guestwright.engine.inventory.facts import BATCH_MAX, VALUE_MAX, AgentUpdate, Fact, Guest, Update
from tests.support.inventories import vm


@pytest.fixture
def web(database: Database) -> str:
    with database.write() as tx:
        return tx.vms.add(vm("web")).id


def fact(of: str, name: str, value: Any, at: float) -> Update:
    return Update(vm=of, name=name, value=value, source="agent", at=at)


def test_what_was_said_is_kept_with_its_age(database: Database, web: str) -> None:
    with database.write() as tx:
        stored = tx.facts.store([fact(web, "boot", "booting", 1.0), fact(web, "boot", "up", 2.0)])
        assert (stored.changed, stored.same, stored.unknown) == (2, 0, frozenset())
    with database.write() as tx:
        assert tx.facts.store([fact(web, "boot", "up", 5.0)]).same == 1
    with database.read() as tx:
        assert tx.facts.of(web) == {"boot": Fact(value="up", source="agent", since=2.0, seen=5.0)}
        history = tx.facts.history(web, "boot")
        assert [(one.value, one.at) for one in history] == [("up", 2.0), ("booting", 1.0)]
        assert [one.value for one in tx.facts.history(web, "boot", before=history[0].number)] == ["booting"]
        assert tx.facts.history(web, "boot", most=1) == history[:1]
        told = [one for one in tx.events.after("").events if one.kind == "facts-changed"]
    assert [(one.subject, one.body) for one in told] == [(web, {"names": ["boot"]})]


def test_what_is_older_than_what_is_known_is_left_out(database: Database, web: str) -> None:
    with database.write() as tx:
        tx.facts.store([fact(web, "boot", "up", 10.0)])
        late = tx.facts.store([fact(web, "boot", "booting", 9.0), fact(web, "users", [], 9.0)])
        assert (late.changed, late.same) == (1, 1)
        assert tx.facts.of(web)["boot"].value == "up"
        assert tx.facts.guests([web])[web].seen == 10.0


def test_machines_that_are_not_ours_are_named(database: Database, web: str) -> None:
    with database.write() as tx:
        stored = tx.facts.store([fact("other", "boot", "up", 1.0), fact(web, "boot", "up", 1.0)])
        assert stored.unknown == {"other"}
        assert stored.changed == 1
        assert tx.facts.agents([AgentUpdate(vm="other", state=AgentState.LIVE, at=1.0)]) == {"other"}
        assert tx.facts.store([]).changed == 0


def test_lists_show_what_facts_say(database: Database, web: str) -> None:
    nics = [
        {"addresses": [{"address": "192.0.2.1"}, {"address": "<b>"}, {"address": 7}]},
        {"addresses": [{"address": "FE80::1"}]},
        "nonsense",
    ]
    with database.write() as tx:
        tx.facts.store(
            [fact(web, "host", {"name": "w\x1b1"}, 1.0), fact(web, "system", {"name": "Debian 12"}, 1.0)]
        )
        tx.facts.store([fact(web, "nics", nics, 2.0)])
        tx.facts.agents([AgentUpdate(vm=web, state=AgentState.LIVE, at=3.0, reason="heard")])
        guest = tx.facts.guests([web, "other"])
    assert guest["other"] == Guest()
    assert guest[web] == Guest(
        agent=AgentState.LIVE,
        agent_reason="heard",
        agent_since=3.0,
        hostname="w\\x1b1",
        os="Debian 12",
        addresses=("192.0.2.1", "fe80::1"),
        seen=3.0,
    )
    with database.write() as tx:
        tx.facts.store([fact(web, "nics", None, 4.0)])
        assert tx.facts.guests([web])[web].addresses == ()


def test_an_agent_is_told_of_when_it_changes(database: Database, web: str) -> None:
    with database.write() as tx:
        for at, state in enumerate(("booting", "live", "live", "lost"), start=1):
            tx.facts.agents([AgentUpdate(vm=web, state=AgentState(state), at=float(at))])
        told = [one for one in tx.events.after("").events if one.kind == "agent-changed"]
        assert not told
    with database.read() as tx:
        told = [one for one in tx.events.after("").events if one.kind == "agent-changed"]
        assert [(one.body["before"], one.body["state"]) for one in told] == [
            ("never-seen", "booting"),
            ("booting", "live"),
            ("live", "lost"),
        ]
        assert tx.facts.guests([web])[web].agent_since == 4.0


@pytest.mark.parametrize(
    ("name", "value", "source"),
    [
        ("Boot", 1, "agent"),
        ("", 1, "agent"),
        ("x" * 65, 1, "agent"),
        ("boot", float("nan"), "agent"),
        ("boot", b"bytes", "agent"),
        ("boot", "x" * VALUE_MAX, "agent"),
        ("boot", 1, ""),
        ("boot", 1, "a\nb"),
        ("boot", 1, "ä"),
    ],
    ids=["capital", "empty", "long", "nan", "no-json", "large", "no-source", "two-lines", "no-word"],
)
def test_what_is_not_kept(database: Database, web: str, name: str, value: Any, source: str) -> None:
    good = fact(web, "users", [], 1.0)
    with database.write() as tx:
        with pytest.raises(BadFact):
            tx.facts.store([good, Update(vm=web, name=name, value=value, source=source, at=1.0)])
        assert tx.facts.of(web) == {}


@pytest.mark.parametrize("value", ["a\0b", "\ud800", {"\0": ["\udfff"]}, 1 << 80, [[]] * 100, "ü"])
def test_any_json_comes_back(database: Database, web: str, value: Any) -> None:
    with database.write() as tx:
        tx.facts.store([fact(web, "odd", value, 1.0)])
    with database.read() as tx:
        assert tx.facts.of(web)["odd"].value == value


def test_a_batch_has_a_size(database: Database, web: str) -> None:
    with database.write() as tx:
        many = [fact(web, "count", number, float(number)) for number in range(BATCH_MAX)]
        assert tx.facts.store(many).changed == BATCH_MAX
        with pytest.raises(ValueError, match="at most"):
            tx.facts.store([*many, many[0]])
        with pytest.raises(ValueError, match="at most"):
            tx.facts.agents([AgentUpdate(vm=web, state=AgentState.LIVE, at=1.0)] * (BATCH_MAX + 1))


def test_history_is_forgotten_and_facts_stay(database: Database, web: str) -> None:
    with database.write() as tx:
        tx.facts.store([fact(web, "boot", number, float(number)) for number in range(1, 11)])
        assert tx.facts.prune(older=4.0, most=1000) == 3
        assert tx.facts.prune(older=0.0, most=5) == 2
        assert [one.value for one in tx.facts.history(web, "boot")] == [10, 9, 8, 7, 6]
        assert tx.facts.prune(older=99.0, most=0) == 5
        assert tx.facts.of(web)["boot"].value == 10


def test_facts_go_with_their_machine(database: Database, web: str) -> None:
    with database.write() as tx:
        tx.facts.store([fact(web, "boot", "up", 1.0)])
        tx.vms.remove(web)
        assert tx.facts.of(web) == {}
        assert tx.facts.history(web, "boot") == ()


def test_batches_at_once_neither_mix_nor_hang(database: Database) -> None:
    """Guests in opposite orders: each fact ends with its last value, history has each value once."""
    with database.write() as tx:
        ids = [one.id for one in tx.vms.add_all([vm(f"v{number}") for number in range(6)])]
    errors: list[BaseException] = []

    def store(order: list[str], offset: int) -> None:
        try:
            for number in range(10):
                at = float(number * 2 + offset)
                with database.write() as tx:
                    tx.facts.store([fact(one, "count", at, at) for one in order])
        except BaseException as error:  # noqa: BLE001 - shown by the test below
            errors.append(error)

    threads = [
        threading.Thread(target=store, args=(order, offset)) for offset, order in enumerate((ids, ids[::-1]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert not errors
    with database.read() as tx:
        for one in ids:
            assert tx.facts.of(one)["count"].value == 19.0
            values = [former.value for former in tx.facts.history(one, "count")]
            assert values == sorted(values, reverse=True)
            assert len(set(values)) == len(values)
