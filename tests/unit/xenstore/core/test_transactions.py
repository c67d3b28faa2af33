"""Transactions: what conflicts, what is seen, which events a commit fires."""

from __future__ import annotations

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.requests import (
    Directory,
    GetPerms,
    Mkdir,
    Read,
    Release,
    Request,
    Rm,
    SetPerms,
    TransactionEnd,
    TransactionStart,
    Watch,
    Write,
)
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import World

OK = b"OK\0"
COMMITS, AGAIN = OK, Errno.EAGAIN


@pytest.mark.parametrize("snapshot", [False, True], ids=["per-node", "snapshot"])
@pytest.mark.parametrize(
    ("mine", "theirs", "answer"),
    [
        ([Read(b"/x/k"), Write(b"/y", b"")], Write(b"/x/k", b"2"), AGAIN),
        ([Read(b"/x/k"), Write(b"/y", b"")], Write(b"/x/k", b"1"), AGAIN),  # the same value
        ([Write(b"/x/k", b"3")], Write(b"/x/k", b"2"), AGAIN),  # writes are protected too
        ([Read(b"/x"), Write(b"/y", b"")], Write(b"/x/new", b""), AGAIN),
        ([Read(b"/x"), Write(b"/y", b"")], Rm(b"/x/k"), AGAIN),
        ([Read(b"/x"), Write(b"/y", b"")], Write(b"/x/k", b"2"), COMMITS),  # a child's value is its own
        ([Read(b"/none"), Write(b"/y", b"")], Write(b"/none", b""), AGAIN),
        ([Write(b"/x/mine", b"")], Write(b"/x/theirs", b""), AGAIN),  # both change /x
        ([GetPerms(b"/x/k"), Write(b"/y", b"")], SetPerms(b"/x/k", (b"r0",)), AGAIN),
        ([Rm(b"/x")], Write(b"/x/k", b"2"), AGAIN),
        ([Directory(b"/x"), Write(b"/y", b"")], Write(b"/z", b""), COMMITS),
        ([Write(b"/y", b"")], Rm(b"/y"), AGAIN),
    ],
)
def test_conflicts(mine: list[Request], theirs: Request, answer: bytes | Errno, *, snapshot: bool) -> None:
    world = World(options=Options(snapshot=snapshot))
    for path in (b"/x/k", b"/y", b"/z"):
        world.root.ask(Write(path, b"1"))
    client = world.connect()
    one = client.begin()
    for request in mine:
        client.ask(request, one)
    world.root.ask(theirs)
    assert client.commit(one) == answer
    assert client.commit(one) is Errno.ENOENT
    world.tree()
    assert world.store.core.tree.snapshots == []


def test_reading_only() -> None:
    for snapshot, answer in ((False, AGAIN), (True, OK)):
        world = World(options=Options(snapshot=snapshot))
        client = world.connect()
        one = client.begin()
        client.ask(Read(b"/tool"), one)
        world.root.ask(Write(b"/tool", b"new"))
        assert client.commit(one) == answer


def test_what_others_do_before_the_first_access_is_seen_without_snapshots() -> None:
    for snapshot, seen in ((False, b"new"), (True, b"old")):
        world = World(options=Options(snapshot=snapshot))
        world.root.ask(Write(b"/a/b", b"old"))
        client = world.connect()
        one = client.begin()
        world.root.ask(Write(b"/a/b", b"new"))
        assert client.ask(Read(b"/a/b"), one) == seen
        world.root.ask(Write(b"/a/b", b"newer"))
        assert client.ask(Read(b"/a/b"), one) == seen


def test_a_snapshot_is_whole() -> None:
    world = World(1, options=Options(snapshot=True))
    root = world.root
    for path in (b"/a/b/c", b"/a/d"):
        root.ask(Write(path, b"old"))
    client, other = world.connect(), world.connect()
    one, two = client.begin(), other.begin()
    root.ask(SetPerms(b"/a/d", (b"r1",)))
    root.ask(Rm(b"/a/b"))
    root.ask(Write(b"/new/er", b""))
    three = root.begin()
    root.ask(Write(b"/a/late", b""), three)
    assert root.commit(three) == OK
    assert client.ask(Directory(b"/"), one) == b"tool\0local\0a\0"
    assert client.ask(Directory(b"/a"), one) == b"b\0d\0"
    assert client.ask(Read(b"/a/b/c"), one) == b"old"
    assert client.ask(GetPerms(b"/a/d"), one) == b"n0\0"
    assert client.ask(Read(b"/new"), one) is Errno.ENOENT
    assert client.ask(Write(b"/z", b""), one) == OK
    assert client.commit(one) is Errno.EAGAIN
    assert other.ask(Read(b"/a/b/c"), two) == b"old"
    assert other.commit(two) == OK


def test_one_sees_its_own_changes_and_others_do_not() -> None:
    world = World()
    client = world.connect()
    one = client.begin()
    client.ask(Write(b"/a/b", b"v"), one)
    client.ask(Rm(b"/tool/xenstored"), one)
    assert client.ask(Directory(b"/"), one) == b"tool\0a\0"
    assert client.ask(Read(b"/tool/xenstored"), one) is Errno.ENOENT
    assert client.ask(SetPerms(b"/a", (b"r0",)), one) == OK
    assert client.ask(GetPerms(b"/a"), one) == b"r0\0"
    assert world.root.ask(Directory(b"/")) == b"tool\0"
    assert client.commit(one) == OK
    assert world.tree() == {b"/": b"", b"/tool": b"", b"/a": b"", b"/a/b": b"v"}


def test_abort_changes_nothing() -> None:
    world = World()
    before = world.tree()
    one = world.root.begin()
    world.root.ask(Watch(b"/", b"t"), one)
    world.root.heard()
    world.root.ask(Write(b"/a", b""), one)
    assert world.root.ask(TransactionEnd(commit=False), one) == OK
    assert world.tree() == before
    assert world.root.heard() == []


def test_ids() -> None:
    world = World()
    one = world.root.begin()
    assert world.root.ask(TransactionStart(), one) is Errno.EBUSY
    assert world.root.raw(wire.TRANSACTION_END, b"X\0", one) is Errno.EINVAL
    assert world.connect().ask(Read(b"/"), one) is Errno.ENOENT
    assert world.root.commit(one) == OK
    world.root.connection.last_transaction = 0xFFFFFFFF
    assert world.root.begin() == 1
    world.root.connection.last_transaction = 0xFFFFFFFF
    assert world.root.begin() == 2


@pytest.mark.parametrize(
    ("requests", "heard"),
    [
        ([Write(b"/n", b""), Write(b"/old", b"")], [b"/n t", b"/old t", b"/old o"]),
        ([Write(b"/n", b"1"), Write(b"/n", b"2")], [b"/n t"]),
        ([Write(b"/n", b"1"), Rm(b"/n")], []),
        ([Mkdir(b"/n/m/o")], [b"/n/m/o t"]),
        # What was removed: the top for all, what was below for watches exactly there; the top first.
        ([Rm(b"/old")], [b"/old t", b"/old o", b"/old/d d"]),
        # Changed, then removed as part of more: still heard by all.
        ([Write(b"/old/d", b""), Rm(b"/old")], [b"/old/d t", b"/old/d d", b"/old/d o", b"/old t", b"/old o"]),
        # Removed as part of more, then there again as a directory: heard by those exactly there.
        (
            [Rm(b"/old"), Write(b"/old/d/new", b"")],
            [b"/old t", b"/old o", b"/old/d d", b"/old/d/new t", b"/old/d/new d", b"/old/d/new o"],
        ),
        ([Rm(b"/old"), Mkdir(b"/old/d")], [b"/old t", b"/old o", b"/old/d t", b"/old/d d", b"/old/d o"]),
        ([SetPerms(b"/old", (b"r0",))], [b"/old t", b"/old o"]),
    ],
)
def test_events_of_a_commit(requests: list[Request], heard: list[bytes]) -> None:
    world = World()
    world.root.ask(Write(b"/old/d/e", b""))
    for path, token in ((b"/", b"t"), (b"/old/d", b"d"), (b"/old", b"o")):
        world.root.ask(Watch(path, token))
    client = world.connect()
    one = client.begin()
    for request in requests:
        assert client.ask(request, one) == OK
    world.root.heard()
    assert client.commit(one) == OK
    assert world.root.heard() == heard


def test_guests_hear_of_removal_by_a_transaction_with_a_right_on_the_node() -> None:
    world = World(1)
    root, guest = world.root, world.guests[1]
    root.ask(Write(b"/a/seen", b""))
    root.ask(Write(b"/a/hidden", b""))
    root.ask(SetPerms(b"/a", (b"r0",)))
    root.ask(SetPerms(b"/a/seen", (b"n0", b"r1")))
    guest.ask(Watch(b"/a", b"t"))
    one = root.begin()
    root.ask(Rm(b"/a/seen"), one)
    root.ask(Rm(b"/a/hidden"), one)
    guest.heard()
    root.commit(one)
    assert guest.heard() == [b"/a/seen t"]


def test_failed_looks_are_protected_as_well() -> None:
    world = World(1)
    root, guest = world.root, world.guests[1]
    root.ask(Write(b"/a/b", b""))
    for request, error in (
        (Read(b"/a/b"), Errno.EACCES),
        (Read(b"/a/none"), Errno.EACCES),
        (Read(b"none/none"), Errno.ENOENT),
        (SetPerms(b"/a/b", (b"n1",)), Errno.EACCES),
    ):
        one = guest.begin()
        assert guest.ask(request, one) is error
        root.ask(Write(b"/a/new", b""))
        root.ask(Write(b"/local/domain/1/new", b""))
        assert guest.commit(one) is Errno.EAGAIN
        root.ask(Rm(b"/a/new"))
        root.ask(Rm(b"/local/domain/1/new"))


def test_nothing_is_given_to_a_domain_that_has_gone_meanwhile() -> None:
    world = World(1)
    world.root.ask(Write(b"/a", b""))
    client = world.connect()
    one = client.begin()
    client.ask(SetPerms(b"/a", (b"n1",)), one)
    world.root.ask(Release(1))
    assert client.commit(one) is Errno.EAGAIN
    assert world.root.ask(GetPerms(b"/a")) == b"n0\0"


def test_a_node_whose_directory_others_removed_cannot_be_removed() -> None:
    world = World(1)
    guest = world.guests[1]
    guest.ask(Write(b"d/x", b""))
    one = guest.begin()
    assert guest.ask(Read(b"d/x"), one) == b""
    guest.ask(Rm(b"d"))
    assert guest.ask(Rm(b"d/x"), one) is Errno.EINVAL
    assert guest.commit(one) is Errno.EAGAIN


def test_a_directory_that_lost_a_child_between_two_looks() -> None:
    world = World()
    root, other = world.root, world.connect()
    root.ask(Write(b"/d/x", b""))
    root.ask(Write(b"/d/y", b""))
    one = root.begin()
    assert root.ask(Read(b"/d/x"), one) == b""
    other.ask(Rm(b"/d/x"))
    assert root.ask(Rm(b"/d/x"), one) == OK
    assert root.ask(Directory(b"/d"), one) == b"y\0"
    assert root.commit(one) is Errno.EAGAIN


def test_what_is_listed_already_is_listed_once() -> None:
    world = World()
    root, other = world.root, world.connect()
    root.ask(Write(b"/d/x", b""))
    one = root.begin()
    assert root.ask(Write(b"/d/y", b""), one) == OK
    other.ask(Rm(b"/d/x"))
    assert root.ask(Write(b"/d/x", b""), one) == OK
    assert root.ask(Directory(b"/d"), one) == b"x\0y\0"
    assert root.commit(one) is Errno.EAGAIN


def test_a_node_too_large_makes_the_commit_fail() -> None:
    world = World(1)
    guest = world.guests[1]
    for request in (
        Write(b"v", b"x" * 2040),
        Write(b"x", b"x" * 2040),
        SetPerms(b"v", (b"n1", b"r2", b"r3")),
    ):
        guest.ask(Write(b"v", b"x" * 2010))
        one = guest.begin()
        assert guest.ask(request, one) is Errno.ENOSPC
        assert guest.commit(one) is Errno.ENOMEM


def test_too_many_nodes_win_over_a_conflict() -> None:
    world = World(1)
    guest = world.guests[1]
    world.root.raw(wire.CONTROL, b"quota\0set\0nodes\x003\0")
    one = guest.begin()
    for request in (Write(b"a", b""), Write(b"b", b""), Write(b"c", b"")):
        assert guest.ask(request, one) == OK  # counted when it commits
    world.root.ask(Write(b"/local/domain/1/a", b""))
    assert guest.commit(one) is Errno.ENOSPC
