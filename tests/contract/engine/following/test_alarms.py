"""Identities that several machines claim: kept and told once, whoever follows, on both databases."""

from __future__ import annotations

import threading

import pytest

from guestwright.engine.following.alarms import FOUND, OVER, Alarms
from guestwright.engine.following.said import Duplicate
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Host
from guestwright.engine.inventory.query import Filter, Op
from tests.support.engine_databases import Clock
from tests.support.inventories import some_id

HOST = "00000000-0000-7000-8000-000000000001"
VMS = tuple(sorted(some_id() for _ in range(3)))
KEY = Duplicate(kind="ssh-host-key", value="SHA256:abc", domains=VMS[:2])
MAC = Duplicate(kind="mac-address", value="52:54:00:00:00:01", domains=VMS[1:])


@pytest.fixture(autouse=True)
def host(database: Database) -> None:
    with database.write() as tx:
        tx.hosts.add(Host(id=HOST, name="one", address="unix:/run/api.sock"))


def told(database: Database) -> list[tuple[str, str, int]]:
    with database.read() as tx:
        events = tx.events.after("", kinds=[FOUND, OVER]).events
    return [(one.kind, one.body["value"], one.body["count"]) for one in events]


def kept(database: Database) -> dict[str, tuple[int, float]]:
    with database.read() as tx:
        return {one.value: (one.claimants, one.created) for one in tx.alarms.each()}


def test_an_alarm_is_kept_from_its_beginning_to_its_end(database: Database, clock: Clock) -> None:
    alarms = Alarms(database, HOST)
    began = clock.now
    alarms.found(KEY)
    clock.now += 10
    alarms.found(Duplicate(kind=KEY.kind, value=KEY.value, domains=VMS))
    assert kept(database) == {KEY.value: (3, began)}
    with database.read() as tx:
        assert tx.alarms.count(Filter("machines", Op.HAS, VMS[2])) == 1
        assert tx.alarms.all(Filter("machines", Op.HAS, some_id())) == ()
    alarms.over(KEY)
    alarms.over(KEY)
    assert kept(database) == {}
    assert told(database) == [(FOUND, KEY.value, 2), (FOUND, KEY.value, 3), (OVER, KEY.value, 3)]


def test_a_whole_list_begins_and_ends_alarms(database: Database) -> None:
    Alarms(database, HOST).all([KEY])
    Alarms(database, HOST).all([KEY, MAC])
    Alarms(database, HOST).all([MAC])
    assert list(kept(database)) == [MAC.value]
    assert told(database) == [(FOUND, KEY.value, 2), (FOUND, MAC.value, 2), (OVER, KEY.value, 2)]


def test_engines_that_follow_one_host_tell_it_once(database: Database) -> None:
    start = threading.Barrier(4)
    problems: list[BaseException] = []

    def follow() -> None:
        try:
            start.wait(60)
            Alarms(database, HOST).all([KEY, MAC])
        except BaseException as error:  # noqa: BLE001 - shown by the test below
            problems.append(error)

    threads = [threading.Thread(target=follow) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert problems == []
    assert sorted(told(database)) == sorted([(FOUND, KEY.value, 2), (FOUND, MAC.value, 2)])


def test_very_many_are_bounded_and_strange_ones_printable(database: Database) -> None:
    many = tuple(sorted(some_id() for _ in range(150)))
    Alarms(database, HOST).found(Duplicate(kind="machine-id", value="x\x1b[2J" + "y" * 1000, domains=many))
    with database.read() as tx:
        (found,) = tx.alarms.all()
    assert (found.claimants, len(found.machines.split())) == (150, 100)
    assert found.value.isprintable()
    assert len(found.value) < 300


def test_alarms_go_with_their_host(database: Database) -> None:
    alarms = Alarms(database, HOST)
    alarms.found(KEY)
    with database.write() as tx:
        tx.hosts.remove(HOST)
    assert kept(database) == {}
    alarms.found(MAC)
    assert kept(database) == {}
