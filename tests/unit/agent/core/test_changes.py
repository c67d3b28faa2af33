"""Layouts that change a little: what is planned for them is what would be planned for all of their keys."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.agent.core import budget
from guestwright.agent.core.facts import Facts, Host, Memory, Nic
from guestwright.agent.core.follow import Following
from guestwright.agent.core.layout import Layout, desired
from guestwright.agent.core.publish import NODES_MIN, REMOVE, STAMP, TOUCHED, UPDATED, WRITE
from guestwright.base.record import replace
from tests.support.agent_facts import GLOBAL4, GLOBAL6, LINK6, bridge, complete, vif
from tests.support.agent_store import ModelStore
from tests.unit.agent.core.test_any_facts import ADDRESSES, FACTS, OFFERS, TOLD

State = tuple[Facts, dict[str, str], dict[str, str]]
OFFERED = {"sysprep": "1"}
MORE4 = replace(GLOBAL4, address="192.0.2.11")


class Agent:
    """Lays out, plans and writes, as the agent does.

    Attributes:
        full: how often everything was compared.
    """

    def __init__(self, store: ModelStore | None = None) -> None:
        self.layout, self.published = Layout(), Following()
        self.store = store or ModelStore()
        self.full = 0
        plain = self.layout.keys

        def keys() -> dict[str, bytes]:
            self.full += 1
            return plain()

        self.layout.keys = keys  # type: ignore[method-assign]  # counts

    def publish(self, facts: Facts, offers: dict[str, str], told: dict[str, str], now: float = 0.0) -> None:
        """Until nothing is left to do."""
        for _ in range(400):
            self.layout.update(facts, offers, told)
            batches = self.published.plan_layout(self.layout, now)
            if not batches:
                return
            for batch in batches:
                failed = self.store.apply(batch)
                if failed is not None:
                    self.published.refused(batch, *failed, now)
                    break
                self.published.done(batch)
        raise AssertionError(batches)


def nics(*found: Nic) -> Facts:
    return replace(complete(), nics=found)


def subjects(agent: Agent, facts: Facts) -> list[str]:
    """What is planned for other facts, and not done."""
    agent.layout.update(facts, OFFERED, {})
    return [batch.subject for batch in agent.published.plan_layout(agent.layout, 1.0)]


def settled(facts: Facts) -> Agent:
    agent = Agent()
    agent.publish(facts, OFFERED, {})
    agent.publish(facts, OFFERED, {})
    agent.full = 0
    return agent


def test_an_address_costs_the_keys_of_its_interface_only() -> None:
    agent = settled(nics(vif(0, GLOBAL4), vif(1, GLOBAL6)))
    parts = dict(agent.layout.parts)
    agent.publish(nics(vif(0, GLOBAL4, MORE4), vif(1, GLOBAL6)), OFFERED, {})
    changed = [name for name, keys in agent.layout.parts.items() if parts[name] is not keys]
    assert changed == ["nic:vif-0"]
    assert agent.full == 0
    assert agent.store.values()["attr/vif/0/ipv4/1"] == b"192.0.2.11"
    agent.publish(nics(vif(0, GLOBAL6), vif(1, GLOBAL6)), OFFERED, {})
    assert agent.full == 0
    assert not [path for path in agent.store.nodes if path.startswith("attr/vif/0/ipv4")]


def test_an_address_of_a_bridge_goes_to_what_it_stands_on() -> None:
    agent = settled(nics(vif(0), bridge(7, ("vif-0",))))
    agent.publish(nics(vif(0), bridge(7, ("vif-0",), GLOBAL4)), OFFERED, {})
    assert agent.full == 0
    assert agent.store.values()["attr/vif/0/ipv4/0"] == b"192.0.2.10"
    assert agent.store.values()["data/net/bridge-7/ipv4/0"] == b"192.0.2.10"


@pytest.mark.parametrize(
    "facts",
    [
        nics(vif(0, GLOBAL4)),
        nics(vif(0, GLOBAL4), replace(vif(1, GLOBAL6), mtu=9000)),
        nics(vif(1, GLOBAL4), vif(0, GLOBAL6)),
    ],
    ids=["one less", "another size", "exchanged"],
)
def test_more_than_an_address_is_compared_as_a_whole(facts: Facts) -> None:
    agent = settled(nics(vif(0, GLOBAL4), vif(1, GLOBAL6)))
    agent.publish(facts, OFFERED, {})
    assert agent.full == 1
    assert agent.store.values() | {UPDATED: b"1"} == desired(facts, OFFERED, {})


def test_two_interfaces_with_one_name_are_compared_as_a_whole() -> None:
    agent = settled(nics(vif(0), vif(0)))
    agent.publish(nics(vif(0), vif(0, GLOBAL4)), OFFERED, {})
    assert agent.full == 1
    assert agent.store.values()["attr/vif/0/ipv4/0"] == b"192.0.2.10"


def test_an_address_of_what_is_not_published() -> None:
    agent = settled(nics(vif(0), bridge(7, ())))
    assert subjects(agent, nics(vif(0), bridge(7, (), GLOBAL4))) == []
    assert agent.full == 0


def test_one_change_and_its_stamp_are_one_transaction() -> None:
    agent = settled(complete())
    facts = replace(complete(), host=replace(complete().host, name="web2"))
    agent.layout.update(facts, OFFERED, {})
    (batch,) = agent.published.plan_layout(agent.layout, 1.0)
    assert batch.subject == "host"
    assert batch.ops[-2:] == ((WRITE, TOUCHED, b"1"), (WRITE, UPDATED, b"2"))
    twice = replace(facts, users=())
    assert len(subjects(agent, twice)) > 2
    assert subjects(settled(complete()), replace(complete(), nics=(vif(0, LINK6),)))[-1] != STAMP


def test_memory_is_written_only_when_it_changed_much() -> None:
    agent = settled(replace(complete(), memory=Memory(total=2000000, free=1000000)))
    assert subjects(agent, replace(complete(), memory=Memory(total=2000000, free=1000100))) == []
    assert subjects(agent, replace(complete(), memory=Memory(total=2000000, free=1100000))) == ["memory"]


def test_what_is_refused_is_left_out_until_it_is_tried_again() -> None:
    agent = settled(complete())
    agent.store.refuses = lambda _verb, path, _value: "EACCES" if path == "data/host_name" else ""
    renamed = replace(complete(), host=replace(complete().host, name="web2"))
    agent.publish(renamed, OFFERED, {})
    assert agent.store.values()["data/host_name"] == b"web1"
    agent.full = 0
    again = replace(renamed, host=replace(renamed.host, name="web3"))
    agent.publish(again, OFFERED, {}, 1.0)
    agent.publish(replace(again, host=Host()), OFFERED, {}, 1.0)
    assert agent.full == 0
    assert agent.store.values()["data/host_name"] == b"web1"
    agent.store.refuses = None
    agent.publish(replace(again, host=Host()), OFFERED, {}, 61.0)
    assert agent.full
    assert "data/host_name" not in agent.store.values()


def test_a_control_directory_that_is_read_only_makes_nothing_slow() -> None:
    agent = Agent()
    agent.store.refuses = lambda _verb, path, _value: "EACCES" if path.startswith("control/") else ""
    agent.publish(nics(vif(0, GLOBAL4)), OFFERED, {})
    agent.full = 0
    assert agent.published.calm
    agent.publish(nics(vif(0, GLOBAL4, MORE4)), OFFERED, {}, 1.0)
    assert agent.full == 0
    assert agent.published.small
    assert agent.store.values()["attr/vif/0/ipv4/1"] == b"192.0.2.11"
    agent.publish(nics(vif(0, GLOBAL4, MORE4)), OFFERED, {}, 61.0)
    assert agent.full > 0


def test_a_directory_that_may_not_be_removed_stays() -> None:
    agent = settled(nics(vif(0, GLOBAL4, MORE4)))
    agent.store.refuses = lambda verb, path, _value: (
        "EPERM" if verb == REMOVE and path == "attr/vif/0/ipv4/1" else ""
    )
    agent.publish(nics(vif(0, GLOBAL4)), OFFERED, {})
    agent.publish(nics(vif(0, GLOBAL4, MORE4)), OFFERED, {}, 1.0)
    agent.full = 0
    agent.publish(nics(vif(0, GLOBAL4)), OFFERED, {}, 2.0)
    assert agent.full == 0
    assert "attr/vif/0/ipv4/1" in agent.store.values()
    assert "data/net/vif-0/ipv4/1" not in agent.store.values()


def test_what_could_not_be_committed_is_not_held() -> None:
    agent = settled(nics(vif(0, GLOBAL4)))
    agent.layout.update(nics(vif(0, GLOBAL4, MORE4)), OFFERED, {})
    (batch,) = agent.published.plan_layout(agent.layout, 1.0)
    agent.published.postponed(batch, 1.0)
    assert agent.published.plan_layout(agent.layout, 1.5) == []
    assert not agent.published.calm
    agent.publish(nics(vif(0, GLOBAL4, MORE4)), OFFERED, {}, 3.0)
    assert agent.published.calm


def test_what_was_left_out_is_written_when_there_is_room() -> None:
    many = tuple(replace(GLOBAL4, address=f"198.51.100.{index}") for index in range(200))
    agent = settled(nics(vif(0, *many)))
    agent.publish(nics(vif(0, *many[:199])), OFFERED, {})
    assert agent.full
    assert budget.count(agent.store.values()) <= budget.NODES_MAX + NODES_MIN
    agent.publish(nics(vif(0, GLOBAL4)), OFFERED, {})
    assert agent.store.values().keys() == desired(nics(vif(0, GLOBAL4)), OFFERED, {}).keys()


def test_nodes_of_a_part_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    plain = budget.count
    layout = Layout()
    addresses = tuple(replace(GLOBAL4, address=f"198.51.100.{index}") for index in range(24))
    layout.update(nics(vif(0, *addresses)), OFFERED, {})

    def count(keys: dict[str, bytes]) -> int:
        counted.append(1)
        return plain(keys)

    monkeypatch.setattr(budget, "count", count)
    assert layout.fits()
    before = len(counted)
    assert before > 0
    assert layout.fits()
    assert len(counted) == before
    for index in range(200):
        layout.update(nics(vif(0, *addresses[: 20 + index % 4])), OFFERED, {})
        assert layout.fits()
    assert len(layout._counted) <= 128


@st.composite
def histories(draw: st.DrawFn) -> list[State]:
    """States of which most differ from the one before by some addresses only."""
    state = draw(st.tuples(FACTS, OFFERS, TOLD))
    found = [state]
    for _ in range(draw(st.integers(1, 4))):
        facts, offers, told = state
        kind = draw(st.sampled_from(["addresses", "addresses", "memory", "all"]))
        if kind == "addresses":
            readdressed: Iterable[Nic] = (
                replace(nic, addresses=draw(st.lists(ADDRESSES, max_size=4).map(tuple)))
                if draw(st.booleans())
                else nic
                for nic in facts.nics
            )
            state = replace(facts, nics=tuple(readdressed)), offers, told
        elif kind == "memory":
            state = replace(facts, memory=Memory(total=1, free=draw(st.integers(0, 1 << 20)))), offers, told
        else:
            state = draw(st.tuples(FACTS, OFFERS, TOLD))
        found.append(state)
    return found


@settings(max_examples=100, deadline=None)
@given(histories())
def test_the_store_follows_any_history(states: list[State]) -> None:
    agent = Agent()
    for state in states:
        agent.publish(*state)
        agent.publish(*state)
        held, wanted = agent.store.values(), desired(*state)
        for path in {UPDATED, "data/meminfo_free", *(one for one in wanted if one.endswith("/free"))}:
            held.pop(path, None)
            wanted.pop(path, None)
        assert held == wanted
        assert agent.published.plan(desired(*state), 0.0) == []
