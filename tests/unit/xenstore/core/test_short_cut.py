"""What servers use to be quick and fair: the short cut for single requests, budgets, laggards, memories."""

from __future__ import annotations

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import Errno, frame
from tests.support.xenstore import FakeHost, World


def long_way(store: Store, connection: Connection, data: bytes) -> bytes:
    """What comes of data through `receive`."""
    store.receive(connection, data)
    return connection.take()


def short_way(store: Store, connection: Connection, data: bytes) -> bytes:
    """What comes of data as a server handles it."""
    reply = store.answer(connection, data)
    if reply is None:
        return long_way(store, connection, data)
    return reply or connection.take()


REQUESTS = (
    frame(wire.WRITE, 1, 0, b"/a/b\0value"),
    frame(wire.READ, 2, 0, b"/a/b\0"),
    frame(wire.READ, 3, 0, b"a/nothing\0"),
    frame(wire.WATCH, 4, 0, b"/a\0token\0"),
    frame(wire.WRITE, 5, 0, b"/a/b\0another"),
    frame(wire.TRANSACTION_START, 6, 0, b"\0"),
    frame(wire.WRITE, 7, 1, b"/a/c\0x"),
    frame(wire.READ, 8, 77, b"/a/c\0"),
    frame(wire.TRANSACTION_END, 9, 1, b"T\0"),
    frame(99, 10, 0, b""),
    frame(wire.RM, 11, 0, b"/a\0") + frame(wire.READ, 12, 0, b"/a\0"),
    frame(wire.READ, 13, 0, b"/a\0")[:-1],
    b"\0",
    frame(wire.CONTROL, 14, 0, b"check\0"),
    wire.HEADER.pack(wire.READ, 15, 0, 4097) + bytes(4097),
    frame(wire.READ, 16, 0, b"/\0"),
)


def test_the_short_way_says_the_same() -> None:
    one, other = Store(), Store()
    first, second = one.connect(), other.connect()
    for data in REQUESTS:
        assert short_way(one, first, data) == long_way(other, second, data)
    assert first.broken
    assert second.broken


@pytest.mark.parametrize("size", [1, 7, 15, 16, 17, 40])
def test_the_short_way_takes_pieces(size: int) -> None:
    store, other = Store(), Store()
    first, second = store.connect(), other.connect()
    data = b"".join(REQUESTS[:11])
    got = b"".join(short_way(store, first, data[at : at + size]) for at in range(0, len(data), size))
    assert got == b"".join(long_way(other, second, one) for one in REQUESTS[:11])


def test_the_short_way_is_for_privileged_clients() -> None:
    world = World(1)
    assert world.store.answer(world.guests[1].connection, frame(wire.READ, 1, 0, b"/\0")) is None


def test_a_budget_is_kept() -> None:
    store = Store()
    client = store.connect()
    assert store.receive(client, frame(wire.READ, 1, 0, b"/\0") * 5, 2)
    assert len(client.output) == 2
    assert store.runnable() == [client]
    assert store.receive(client, b"", 2)
    assert store.runnable() == [client]
    assert store.receive(client, b"", 2)
    assert len(client.output) == 5
    assert store.runnable() == []


def test_a_client_that_leaves_is_not_runnable() -> None:
    store = Store()
    client = store.connect()
    store.receive(client, frame(wire.READ, 1, 0, b"/\0") * 5, 2)
    store.close(client)
    assert store.runnable() == []


def busy_and_silent() -> World:
    """Guest 2 writes what guest 1, who takes nothing, watches; its requests are used up."""
    world = World(1, 2)
    world.root.raw(wire.SET_PERMS, b"/local/domain/2\0n2\0r1\0")
    world.guests[1].raw(wire.WATCH, b"/local/domain/2\0t\0")
    silent, busy = world.guests[1].connection, world.guests[2].connection
    for number in range(40):
        world.store.receive(busy, frame(wire.WRITE, 1, 0, b"data/%d\0x" % number))
        busy.take()
        world.store.delivered(busy)
    assert busy.stalled
    assert silent.output
    return world


@pytest.mark.parametrize("taken", [False, True], ids=["queued", "underway"])
def test_a_laggard_holds_up_nobody(taken: bool) -> None:
    world = busy_and_silent()
    silent, busy = world.guests[1].connection, world.guests[2].connection
    if taken:
        silent.take()
    world.store.lagging(silent)
    assert not busy.outstanding
    assert busy in world.store.runnable()
    world.store.lagging(silent)
    assert not busy.outstanding


def test_events_can_be_dropped_but_not_replies() -> None:
    world = busy_and_silent()
    silent = world.guests[1].connection
    before = silent.domain.memory
    world.store.receive(silent, frame(wire.GET_DOMAIN_PATH, 9, 0, b"1\0"))
    world.store.drop_events(silent)
    assert [one[:4] for one in silent.output] == [wire.HEADER.pack(wire.GET_DOMAIN_PATH, 0, 0, 0)[:4]]
    assert silent.domain.memory < before
    silent.take()
    world.store.delivered(silent)
    assert silent.outstanding == 0
    world.store.receive(world.root.connection, frame(wire.WRITE, 1, 0, b"/local/domain/2/data/1\0y"))
    assert silent.output  # what was dropped is not taken for queued


def test_events_of_a_privileged_client_can_be_dropped() -> None:
    store = Store()
    client = store.connect()
    store.receive(client, frame(wire.WATCH, 1, 0, b"/\0t\0"))
    store.drop_events(client)
    assert client.backlog == len(b"".join(client.output)) == 19


def test_domains_that_their_owner_connects() -> None:
    host = FakeHost()
    store = Store(host)
    connection = store.introduce(3)
    assert connection is store.guest(3)
    assert connection is not None
    store.receive(connection, frame(wire.WATCH, 1, 0, b"x\0t\0"))
    assert store.introduce(3) is connection
    assert not connection.watches
    host.alive.clear()
    assert store.introduce(4) is None
    assert store.introduce(0) is None


def test_spellings_are_remembered_up_to_a_number() -> None:
    world = World()
    spellings = world.store.core.dom0.spellings
    for number in range(5000):
        assert world.root.raw(wire.READ, b"relative/%d\0" % number) == Errno.ENOENT
    assert 0 < len(spellings) <= 4096
    before = len(spellings)
    assert world.root.raw(wire.READ, b"x" * 200 + b"\0") == Errno.ENOENT
    assert len(spellings) == before


def test_what_watches_match_is_remembered_up_to_a_number() -> None:
    world = World()
    world.root.raw(wire.WATCH, b"/\0t\0")
    index = world.store.core.watches
    for number in range(5000):
        world.root.raw(wire.WRITE, b"/many/%d\0x" % number)
    assert len(world.root.heard()) == 5001
    assert index.at_or_above(b"/many/1") is index.at_or_above(b"/many/1")
    assert index.at_or_above(b"/" + b"x" * 200) is not index.at_or_above(b"/" + b"x" * 200)
    for number in range(20):
        world.root.raw(wire.WATCH, b"/\0%d\0" % number)
    assert len(index.at_or_above(b"/many/1")) == 21
    assert index.at_or_above(b"/many/1") is not index.at_or_above(b"/many/1")


def test_administration_is_noted() -> None:
    world = World(1)
    core = world.store.core
    for kind, payload in (
        (wire.SET_PERMS, b"@releaseDomain\0n0\0r1\0"),
        (wire.CONTROL, b"quota\0"),
        (wire.RELEASE, b"1\0"),
    ):
        before = core.administration
        world.root.raw(kind, payload)
        assert core.administration > before
    before = core.administration
    world.root.raw(wire.SET_PERMS, b"/tool\0n0\0r0\0")
    assert core.administration == before
