"""Domains: introduction, shutdown, death, and what is left of them: nothing."""

from __future__ import annotations

import pytest

from guestwright.xenstore.core.domain import TRANSITIONS, AnyDomain, Event, Phase
from guestwright.xenstore.core.requests import (
    Directory,
    GetPerms,
    Introduce,
    Mkdir,
    Read,
    Release,
    Resume,
    SetPerms,
    SetTarget,
    Watch,
    Write,
)
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import FakeHost, World

OK = b"OK\0"


def test_every_phase_but_the_last_can_be_left() -> None:
    assert {phase for phase, _ in TRANSITIONS} == set(Phase) - {Phase.GONE}
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_shutdown_is_announced_once_until_resumed() -> None:
    world = World(1)
    root = world.root
    root.ask(Watch(b"@releaseDomain", b"r"))
    root.heard()
    for step, events in (
        (lambda: world.store.domain_shutdown(1), 1),
        (lambda: world.store.domain_shutdown(1), 0),
        (lambda: root.ask(Resume(1)), 0),
        (lambda: world.store.domain_shutdown(1), 1),
        (lambda: root.ask(Introduce(1, 1, 1)), 0),
        (lambda: world.store.domain_destroyed(1), 1),
        (lambda: world.store.domain_destroyed(1), 0),
        (lambda: world.store.domain_shutdown(0), 0),
    ):
        step()
        world.deliver()
        assert len(root.heard()) == events


def test_introducing_again_starts_the_connection_anew() -> None:
    world = World(1)
    guest = world.guests[1]
    guest.ask(Watch(b"x", b"t"))
    one = guest.begin()
    guest.connection.parser.feed(b"half")
    world.root.ask(Watch(b"@introduceDomain", b"i"))
    world.root.heard()
    assert world.root.ask(Introduce(1, 1, 9)) == OK
    assert world.root.heard() == []
    assert guest.connection.watches == {}
    assert guest.connection.parser.rest == b""
    assert guest.ask(Read(b"x"), one) is Errno.ENOENT
    assert guest.begin() == 2  # numbered on


def test_a_ring_that_cannot_be_attached() -> None:
    host = FakeHost()
    world = World(host=host)
    host.error = Errno.ENOENT
    assert world.root.ask(Introduce(5, 1, 1)) is Errno.ENOENT
    assert world.store.guest(5) is None
    assert world.store.guest(77) is None


@pytest.mark.parametrize("release", [True, False], ids=["released", "destroyed"])
def test_death_removes_what_the_domain_owned(release: bool) -> None:
    host = FakeHost()
    world = World(1, 2, host=host)
    root = world.root
    for path, owner in (
        (b"/x/theirs/deep", 1),
        (b"/x/theirs", 1),
        (b"/x/mixed/under", 1),
        (b"/x/theirs/deep/others", 2),
        (b"/a", 1),
        (b"/x/other", 2),
    ):
        root.ask(Write(path, b"v"))
        root.ask(SetPerms(path, (b"n%d" % owner, b"r1")))
    root.ask(SetPerms(b"@introduceDomain", (b"n1",)))
    root.ask(SetTarget(2, 1))
    root.ask(Watch(b"/", b"t"))
    root.ask(Watch(b"@releaseDomain", b"r"))
    root.heard()
    if release:
        assert root.ask(Release(1)) == OK
        assert root.messages[-1][3] == OK  # what follows from it first, then the answer
    else:
        host.alive.discard(1)
        world.store.domain_destroyed(1)
        world.deliver()
    assert root.heard() == [
        b"/local/domain/1 t",
        b"/x/theirs t",
        b"/x/mixed/under t",
        b"/a t",
        b"@releaseDomain r",
    ]
    assert set(world.tree()) == {
        b"/", b"/tool", b"/tool/xenstored", b"/local", b"/local/domain", b"/local/domain/2",
        b"/x", b"/x/mixed", b"/x/other",
    }  # fmt: skip
    assert root.ask(GetPerms(b"/x/other")) == b"n2\0r1\0"  # the text stays
    assert root.ask(GetPerms(b"@introduceDomain")) == b"n0\0"
    assert world.store.core.domains[2].target is None
    assert ("detach", 1) in host.calls


def test_the_root_outlives_its_owner() -> None:
    world = World(1)
    world.root.ask(SetPerms(b"/", (b"r1",)))
    world.root.ask(Release(1))
    assert world.root.ask(GetPerms(b"/")) == b"r0\0"
    world.tree()


def test_a_domain_that_was_only_named_can_die_too() -> None:
    host = FakeHost()
    world = World(host=host)
    root = world.root
    root.ask(Write(b"/a", b""))
    root.ask(SetPerms(b"/a", (b"n5",)))
    assert root.ask(Release(5)) is Errno.ENOENT
    root.ask(Watch(b"@releaseDomain", b"r"))
    root.heard()
    world.store.domain_destroyed(5)
    world.deliver()
    assert root.heard() == []
    assert root.ask(Read(b"/a")) is Errno.ENOENT


def test_rights_given_before_introduction_count() -> None:
    world = World()
    world.root.ask(Write(b"/a", b"x"))
    world.root.ask(SetPerms(b"/a", (b"n0", b"r5")))
    assert world.introduce(5).ask(Read(b"/a")) == b"x"


def test_a_list_that_named_nobody_is_made_anew_when_there_is_somebody() -> None:
    host = FakeHost()
    world = World(host=host)
    for one in range(300):
        world.root.ask(SetPerms(b"/tool", (b"n0", b"r%d" % (one % 10), b"b%d" % one)))
    world.root.ask(SetPerms(b"/tool", (b"n0", b"r42")))
    host.alive.add(42)
    guest = world.introduce(42)
    assert guest.ask(Read(b"/tool")) is Errno.EACCES  # as in C: it was nobody then
    world.root.ask(SetPerms(b"/tool", (b"n0", b"r42")))
    assert guest.ask(Read(b"/tool")) == b""


def test_many_permission_lists_are_not_kept() -> None:
    world = World()
    for one in range(2, 300):
        world.root.ask(
            SetPerms(b"/tool", tuple(b"r%d" % (digit % 10) for digit in (one, one // 10, one // 100)))
        )
    assert len(world.store.core._permissions) <= 256


def test_a_store_without_a_host() -> None:
    store = Store()
    assert isinstance(store.core.host, AnyDomain)
    world = World(host=AnyDomain())
    guest = world.introduce(1234)
    assert guest.ask(Mkdir(b"a")) == OK
    assert guest.ask(Directory(b"/local/domain/1234")) == b"a\0"
    world.root.ask(Release(1234))


def test_closing_a_client_forgets_what_was_its_own() -> None:
    world = World()
    client = world.connect()
    client.ask(Watch(b"/", b"t"))
    client.begin()
    world.store.close(client.connection)
    world.root.ask(Write(b"/a", b""))
    assert client.connection.output == []
    assert world.store.core.watches.by_path == {}
