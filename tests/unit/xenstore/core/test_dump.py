"""Saved states: nothing of a guest's is lost, and rubbish is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.dump import restore, save
from guestwright.xenstore.core.errors import BadState
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.requests import (
    Directory,
    GetPerms,
    Introduce,
    Read,
    Release,
    SetPerms,
    SetQuota,
    SetTarget,
    TransactionEnd,
    Watch,
    Write,
)
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import Client, FakeHost, World

OPTIONS = Options(quotas=True, watch_depth=True)


def busy() -> World:
    """A world with something of everything."""
    world = World(1, 2, 3, options=OPTIONS)
    root, guest = world.root, world.guests[1]
    root.ask(Write(b"/", b"root"))
    for name in (b"z", b"a", b"m"):
        root.ask(Write(b"/x/" + name, b"\xff\0" + name))
    root.ask(SetPerms(b"/x", (b"n0", b"r1", b"b3")))
    root.ask(SetPerms(b"@introduceDomain", (b"n0", b"r1")))
    root.ask(SetQuota(b"nodes", 50, 2))
    root.ask(SetQuota(b"watches", 60))
    root.ask(SetTarget(1, 2))
    root.ask(Release(3))
    root.ask(SetPerms(b"/x/a", (b"n5",)))
    guest.ask(Watch(b"data", b"t", 1))
    guest.ask(Watch(b"/x", b"u"))
    guest.heard()
    guest.begin()
    world.store.domain_shutdown(2)
    return world


def revive(world: World, state: Any) -> World:
    """A new world around a restored store."""
    new = World(options=OPTIONS)
    new.store = restore(state, FakeHost(), OPTIONS)
    new.clients.clear()
    new.root = new.connect()
    for domid in world.guests:
        connection = new.store.guest(domid)
        if connection is not None:
            new.guests[domid] = Client(new, connection)
            new.clients.append(new.guests[domid])
    return new


def test_a_store_survives() -> None:
    old = busy()
    state = json.loads(json.dumps(save(old.store)))
    new = revive(old, state)
    assert save(new.store) == state
    assert new.tree() == old.tree()
    assert new.root.ask(Directory(b"/x")) == b"z\0a\0m\0"
    assert new.root.ask(GetPerms(b"/x")) == b"n0\0r1\0b3\0"
    guest = new.guests[1]
    new.root.ask(Write(b"/local/domain/1/data/a/b", b""))
    new.root.ask(Write(b"/x/z", b""))
    assert guest.heard() == [b"/x/z u"]
    new.root.ask(Write(b"/local/domain/1/data/a", b""))
    assert guest.heard() == [b"data/a t"]


def test_rights_of_the_dead_stay_dead() -> None:
    old = busy()
    new = revive(old, save(old.store))
    assert new.introduce(3).ask(Read(b"/x")) is Errno.EACCES


def test_transactions_come_back_to_fail() -> None:
    old = busy()
    new = revive(old, save(old.store))
    guest = new.guests[1]
    assert guest.ask(Write(b"y", b""), 1) == b"OK\0"
    assert guest.commit(1) is Errno.EAGAIN
    old = busy()
    new = revive(old, save(old.store))
    assert new.guests[1].ask(TransactionEnd(commit=False), 1) == b"OK\0"
    assert new.guests[1].begin() == 2


def test_input_and_output_under_way_survive() -> None:
    old = World(1, options=OPTIONS)
    connection = old.store.guest(1)
    assert connection is not None
    message = wire.frame(wire.READ, 3, 0, b"x\0")
    old.store.receive(connection, message * 21 + message[:5])
    new = revive(old, save(old.store))
    guest = new.guests[1]
    new.store.receive(guest.connection, b"")
    new.deliver()
    assert len(guest.messages) == 21
    new.store.receive(guest.connection, message[5:])
    new.deliver()
    assert len(guest.messages) == 22


def test_a_quiet_guest_survives() -> None:
    old = World(1, options=OPTIONS)
    new = revive(old, save(old.store))
    assert new.store.ready() == []
    assert new.root.ask(Introduce(1, 1, 1)) == b"OK\0"


def nodes_without_a_directory(state: Any) -> None:
    state["nodes"] = [one for one in state["nodes"] if one[0] != "/x"]


def wrong_phase(state: Any) -> None:
    state["domains"][1]["phase"] = "dreaming"


def owner_gone(state: Any) -> None:
    state["nodes"][0][2] = [[0, 77, False]]


def duplicate(state: Any) -> None:
    state["nodes"].append(["/x", "", [[0, 0, True]], 1])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state.clear(),
        lambda state: state.update(version=2),
        lambda state: state.pop("nodes"),
        lambda state: state.update(nodes=5),
        lambda state: state["limits"].pop("nodes"),
        nodes_without_a_directory,
        wrong_phase,
        owner_gone,
        duplicate,
    ],
)
def test_rubbish_is_refused(spoil: Any) -> None:
    state = save(busy().store)
    spoil(state)
    with pytest.raises(BadState):
        restore(state)


def test_not_even_a_dictionary() -> None:
    with pytest.raises(BadState):
        restore([1])
