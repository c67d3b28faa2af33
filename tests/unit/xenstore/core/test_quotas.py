"""Quotas of guests: how far they go, and what the error is. The numbers were measured on C xenstored 4.17."""

from __future__ import annotations

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.quota import NAMES, Limits
from guestwright.xenstore.core.requests import (
    GetFeature,
    GetQuota,
    Introduce,
    Mkdir,
    Read,
    Request,
    ResetWatches,
    Rm,
    SetFeature,
    SetPerms,
    SetQuota,
    TransactionStart,
    Watch,
    Write,
)
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import Client, World

OK = b"OK\0"


def count(client: Client, requests: list[Request]) -> tuple[int, bytes | Errno]:
    """How many requests succeed, and the first other answer."""
    for done, request in enumerate(requests):
        answer = client.ask(request)
        if isinstance(answer, Errno):
            return done, answer
    return len(requests), OK


def test_nodes() -> None:
    world = World(1)
    guest = world.guests[1]
    assert count(guest, [Mkdir(b"d%d/n%d" % (one % 30, one)) for one in range(1100)]) == (969, Errno.ENOSPC)
    assert len(world.store.core.domains[1].owned) == 1000
    assert guest.ask(Rm(b"d3")) == OK
    assert guest.ask(Mkdir(b"d3")) == OK
    assert world.root.ask(Mkdir(b"/local/domain/1/more")) == OK  # others may add to it
    world.tree()


def test_nodes_of_a_transaction_are_counted_when_it_commits() -> None:
    world = World(1)
    guest = world.guests[1]
    count(guest, [Mkdir(b"d%d/n%d" % (one % 30, one)) for one in range(960)])
    one = guest.begin()
    for name in range(12):
        assert guest.ask(Mkdir(b"e%d" % name), one) == OK
    assert guest.commit(one) is Errno.ENOSPC
    two = guest.begin()
    assert guest.ask(Rm(b"d0"), two) == OK
    for name in range(12):
        assert guest.ask(Mkdir(b"e%d" % name), two) == OK
    assert guest.commit(two) == OK
    world.tree()


def test_a_transaction_that_makes_nothing_passes_at_the_limit() -> None:
    world = World(1)
    guest = world.guests[1]
    count(guest, [Mkdir(b"d%d/n%d" % (one % 30, one)) for one in range(1100)])
    one = guest.begin()
    assert guest.ask(SetPerms(b"d1", (b"b1",)), one) == OK
    assert guest.commit(one) == OK
    two = guest.begin()
    assert guest.ask(Mkdir(b"e"), two) is Errno.ENOSPC
    assert guest.ask(SetPerms(b"d1", (b"n1",)), two) == OK
    assert guest.commit(two) is Errno.ENOSPC
    three = world.root.begin()
    assert world.root.ask(Mkdir(b"/local/domain/1/more"), three) == OK
    assert world.root.commit(three) == OK
    world.tree()


def test_node_size() -> None:
    guest = World(1).guests[1]
    assert guest.ask(Write(b"v", b"x" * 2015)) == OK
    assert guest.ask(Write(b"v", b"x" * 2016)) is Errno.ENOSPC
    assert guest.ask(Write(b"w", b"x" * 2016)) is Errno.ENOSPC
    assert count(guest, [Mkdir(b"d/%030d" % one) for one in range(70)]) == (65, Errno.ENOSPC)
    assert guest.ask(Mkdir(b"x/" + b"n" * 2040 + b"/y")) is Errno.ENOSPC
    assert guest.ask(SetPerms(b"v", (b"n1", b"r2"))) is Errno.ENOSPC


def test_a_node_made_too_large_by_others_can_shrink() -> None:
    world = World(1)
    guest = world.guests[1]
    guest.ask(Write(b"v", b""))
    assert world.root.ask(Write(b"/local/domain/1/v", b"x" * 3000)) == OK
    assert guest.ask(Write(b"v", b"y" * 2990)) is Errno.ENOSPC
    assert guest.ask(SetPerms(b"v", (b"n1",))) is Errno.ENOSPC
    assert guest.ask(Write(b"v", b"y")) == OK


def test_watches_transactions_paths() -> None:
    guest = World(1).guests[1]
    assert count(guest, [Watch(b"w%d" % one, b"t") for one in range(140)]) == (129, Errno.E2BIG)
    assert count(guest, [TransactionStart()] * 12) == (11, Errno.ENOSPC)
    assert guest.ask(ResetWatches()) == OK
    assert guest.ask(Watch(b"w", b"t")) == OK
    assert guest.begin() == 12
    assert guest.ask(Read(b"p" * 2048)) is Errno.ENOENT
    assert guest.ask(Read(b"p" * 2049)) is Errno.EINVAL


@pytest.mark.parametrize("request_", [Read(b"late"), Mkdir(b"late/more"), Mkdir(b"late"), Rm(b"top")])
def test_nodes_that_a_transaction_touches(request_: Request) -> None:
    world = World(1)
    guest = world.guests[1]
    for one in range(40):
        guest.ask(Write(b"top/%d" % one, b""))
    one = guest.begin()
    last = 1023 if request_ == Read(b"late") else 1000
    for path in range(last - 1):
        assert guest.ask(Read(b"n%d" % path), one) is Errno.ENOENT
    if request_ != Rm(b"top"):
        for path in range(1024 - last):
            guest.ask(Read(b"m%d" % path), one)
    assert guest.ask(request_, one) is Errno.ENOSPC
    assert guest.ask(Read(b"n1"), one) is Errno.ENOENT  # it goes on with what it knows
    assert guest.commit(one) is Errno.ENOMEM
    world.tree()


def test_the_last_node_that_may_be_touched_is_not_the_directory() -> None:
    guest = World(1).guests[1]
    one = guest.begin()
    for path in range(1022):
        guest.ask(Read(b"n%d" % path), one)
    assert guest.ask(Write(b"a/b/c", b""), one) is Errno.ENOSPC
    assert guest.commit(one) is Errno.ENOMEM


def test_memory() -> None:
    world = World(1, options=Options(quotas=True))
    guest, domain = world.guests[1], world.store.core.domains[1]
    assert world.root.ask(SetQuota(b"memory", 3600, 1)) == OK
    assert guest.ask(Write(b"a", b"x" * 1500)) == OK
    assert guest.ask(Write(b"b", b"x" * 2000)) is Errno.ENOMEM
    assert guest.ask(Write(b"a", b"x" * 2000)) == OK
    assert guest.ask(Write(b"b", b"x" * 1300)) == OK
    assert guest.ask(Write(b"b", b"x" * 2000)) is Errno.ENOMEM
    assert guest.ask(Watch(b"b", b"t" * 1000)) is Errno.ENOMEM
    one = guest.begin()
    assert guest.ask(Write(b"b", b"y" * 1300), one) == OK
    assert guest.ask(Read(b"b"), one) is Errno.ENOMEM
    assert guest.commit(one) is Errno.ENOMEM
    assert guest.ask(Rm(b"a")) == OK
    assert guest.ask(Rm(b"b")) == OK
    home = world.store.core.tree.nodes[b"/local/domain/1"]
    assert domain.memory == home.size + len(b"/local/domain/1")


def test_events_for_those_who_do_not_read_are_bounded() -> None:
    world = World(1, options=Options(backlog_max=5000))
    guest = world.store.guest(1)
    greedy = world.store.connect()
    assert guest is not None
    world.store.core.domains[1].limits.memory = 2000
    world.root.ask(SetPerms(b"/", (b"r0",)))
    for connection in (guest, greedy):
        world.store.receive(connection, wire.frame(wire.WATCH, 0, 0, b"/\0t\0"))
    for one in range(200):
        world.root.raw(wire.WRITE, b"/n%d\0" % one)
        world.store.core.ready.clear()
        world.clients = [world.root]
        if guest.output:
            break
    lazy = [guest, greedy]
    for one in range(200, 600):
        world.store.receive(world.root.connection, wire.frame(wire.WRITE, 0, 0, b"/n%d\0" % one))
        world.root.connection.take()
    assert lazy[0].backlog <= 2000
    assert not lazy[0].broken
    assert lazy[1].backlog <= 5000
    assert lazy[1].broken
    assert not world.store.receive(greedy, wire.frame(wire.READ, 0, 0, b"/\0"))
    assert greedy in world.store.ready()
    world.store.close(greedy)
    assert greedy.backlog == 0


def test_outstanding_requests_hold_a_guest_back() -> None:
    world = World(1)
    store, guest = world.store, world.store.guest(1)
    assert guest is not None
    message = wire.frame(wire.READ, 1, 0, b"x\0")
    assert store.receive(guest, message * 50)
    assert len(guest.output) == 20
    assert guest.stalled
    assert guest.parser.rest == message * 30
    guest.take()
    assert store.runnable() == []
    store.delivered(guest)
    assert store.runnable() == [guest]
    store.receive(guest, b"")
    assert len(guest.output) == 20


def test_events_that_others_do_not_take_hold_a_guest_back() -> None:
    world = World(1)
    store, guest, lazy = world.store, world.store.guest(1), world.store.connect()
    assert guest is not None
    store.receive(lazy, wire.frame(wire.WATCH, 0, 0, b"/\0t\0"))
    lazy.take()
    for one in range(30):
        store.receive(guest, wire.frame(wire.WRITE, 0, 0, b"n%d\0" % one))
        guest.take()
        store.delivered(guest)
    assert len(lazy.output) == 20
    lazy.take()
    store.delivered(lazy)
    assert store.runnable() == [guest]


def test_quota_operations() -> None:
    world = World(1, options=Options(quotas=True))
    root = world.root
    names = root.ask(GetQuota())
    assert names == b" ".join(NAMES) + b"\0"
    assert root.ask(GetQuota(b"nodes")) == b"1000\0"
    assert root.ask(GetQuota(b"nodes", 1)) == b"1000\0"
    assert root.ask(GetQuota(b"none")) is Errno.EINVAL
    assert root.ask(GetQuota(b"nodes", 9)) is Errno.ENOENT
    assert root.ask(GetQuota(b"nodes", 70000)) is Errno.EINVAL
    assert root.raw(wire.GET_QUOTA, b"a\0b\0c\0") is Errno.EINVAL
    assert root.raw(wire.GET_QUOTA, b"nodes") is Errno.EINVAL
    assert root.ask(SetQuota(b"nodes", 5, 1)) == OK
    assert root.ask(SetQuota(b"watches", 6, 1)) == OK
    assert root.ask(SetQuota(b"nodes", 7)) == OK
    assert root.ask(GetQuota(b"nodes")) == b"7\0"
    assert root.ask(GetQuota(b"nodes", 1)) == b"5\0"
    assert root.ask(SetQuota(b"nodes", 0)) == OK
    assert root.ask(GetQuota(b"nodes")) == b"0\0"
    assert root.ask(SetQuota(b"none", 1)) is Errno.EINVAL
    assert root.ask(SetQuota(b"nodes", 1, 9)) is Errno.ENOENT
    assert root.raw(wire.SET_QUOTA, b"nodes\0x\0") is Errno.EINVAL
    assert root.raw(wire.SET_QUOTA, b"nodes\0") is Errno.EINVAL
    assert world.guests[1].ask(GetQuota()) is Errno.EACCES
    assert Limits().get(b"path-max") == 2048


def test_feature_operations() -> None:
    world = World(1, options=Options(features=True, watch_depth=True, any_domain=True))
    root, guest = world.root, world.guests[1]
    assert guest.ask(GetFeature()) == b"12\0"
    assert guest.ask(GetFeature(1)) is Errno.EACCES
    assert root.ask(GetFeature(1)) == b"12\0"
    assert root.ask(GetFeature(70000)) is Errno.EINVAL
    assert root.ask(GetFeature(9)) is Errno.ENOENT
    assert root.ask(SetFeature(1, 4)) is Errno.EBUSY
    assert root.ask(SetFeature(5, 4)) == OK
    assert root.ask(SetFeature(5, 1)) is Errno.EINVAL
    assert root.ask(SetFeature(99, 4)) is Errno.ENOENT
    assert root.raw(wire.SET_FEATURE, b"1\0") is Errno.EINVAL
    assert root.ask(Introduce(5, 1, 1)) == OK
    assert root.ask(GetFeature(5)) == b"4\0"
    root.ask(Write(b"/a", b""))
    assert root.ask(SetPerms(b"/a", (b"n0", b"n2", b"r32757", b"b1"))) == OK
    assert guest.ask(Read(b"/a")) == b""
    assert guest.ask(Write(b"/a", b"")) is Errno.EACCES
