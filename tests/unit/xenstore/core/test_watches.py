"""Watches: which events go to whom, in which order, and what finding them costs."""

from __future__ import annotations

from typing import Any

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.requests import (
    Introduce,
    Mkdir,
    Read,
    Release,
    Request,
    ResetWatches,
    Rm,
    SetPerms,
    Unwatch,
    Watch,
    Write,
)
from guestwright.xenstore.core.watch import Watch as Registered
from guestwright.xenstore.core.watch import WatchIndex
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import World

OK = b"OK\0"


@pytest.mark.parametrize(
    ("watches", "request_", "heard"),
    [
        ([(b"/a", b"t")], Write(b"/a", b""), [b"/a t"]),
        ([(b"/a", b"t")], Write(b"/a/b/c", b""), [b"/a/b/c t"]),
        ([(b"/a", b"t")], Write(b"/ab", b""), []),
        ([(b"/a/b", b"t")], Write(b"/a", b""), []),
        ([(b"/", b"")], Mkdir(b"/x"), [b"/x "]),
        ([(b"/", b"t")], Write(b"/", b""), [b"/ t"]),
        ([(b"/old", b"t")], Mkdir(b"/old"), []),
        ([(b"/old", b"t")], Write(b"/old", b"same"), [b"/old t"]),
        ([(b"/old", b"t")], SetPerms(b"/old", (b"n0",)), [b"/old t"]),
        (
            [(b"/old", b"t"), (b"/", b"r"), (b"/old", b"u")],
            Write(b"/old", b""),
            [b"/old t", b"/old r", b"/old u"],
        ),
        ([(b"rel", b"t")], Write(b"rel/x", b""), [b"rel/x t"]),
        ([(b"/local/domain/0/rel", b"t")], Write(b"rel/x", b""), [b"/local/domain/0/rel/x t"]),
        # Removal: watches exactly on what goes, children first; then those at and above the top.
        (
            [(b"/", b"r"), (b"/old/d/e", b"e"), (b"/old/d", b"d"), (b"/old/none", b"n"), (b"/old", b"o")],
            Rm(b"/old"),
            [b"/old/d/e e", b"/old/d d", b"/old r", b"/old o"],
        ),
        ([(b"/old/none", b"n")], Rm(b"/old/none"), []),
        ([(b"/old/d", b"n")], Rm(b"/old/d/none"), []),
    ],
)
def test_events(watches: list[tuple[bytes, bytes]], request_: Request, heard: list[bytes]) -> None:
    world = World()
    world.root.ask(Write(b"/old/d/e", b"1"))
    watcher = world.connect()
    for path, token in watches:
        assert watcher.ask(Watch(path, token)) == OK
    assert watcher.heard() == [path + b" " + token for path, token in watches]
    world.root.ask(request_)
    assert watcher.heard() == heard


def test_registering_answers_first_and_events_precede_replies() -> None:
    root = World().root
    root.ask(Watch(b"/a", b"t"))
    assert [one[0] for one in root.messages] == [wire.WATCH, wire.WATCH_EVENT]
    root.ask(Write(b"/a", b""))
    assert [one[0] for one in root.messages] == [wire.WATCH_EVENT, wire.WRITE]


def test_identity_of_a_watch() -> None:
    root = World().root
    assert root.ask(Watch(b"x", b"t")) == OK
    assert root.ask(Watch(b"/local/domain/0/x", b"t")) is Errno.EEXIST
    assert root.ask(Watch(b"x", b"u")) == OK
    assert root.ask(Unwatch(b"/local/domain/0/x", b"t")) == OK
    assert root.ask(Unwatch(b"x", b"t")) is Errno.ENOENT
    assert root.ask(Unwatch(b"x", b"u")) == OK
    root.heard()
    root.ask(Write(b"x", b""))
    assert root.heard() == []


def test_an_event_that_still_waits_is_not_queued_again() -> None:
    world = World()
    lazy = world.store.connect()
    world.store.receive(lazy, wire.frame(wire.WATCH, 0, 0, b"/a\0t\0"))
    lazy.take()
    for one in (b"/a", b"/a", b"/a/b", b"/a"):
        world.root.ask(Write(one, b""))
        world.store.core.ready.clear()
    assert len(lazy.output) == 2
    lazy.take()
    world.root.ask(Write(b"/a", b""))
    assert len(lazy.output) == 1


def test_events_too_long_are_not_sent() -> None:
    root = World().root
    assert root.raw(wire.WATCH, b"/\0" + b"t" * 4093 + b"\0") == OK
    assert root.heard() == [b"/ " + b"t" * 4093]
    root.ask(Write(b"/a", b""))
    assert root.heard() == []


def test_guests_hear_of_what_they_may_read() -> None:
    world = World(1, 2)
    root, guest = world.root, world.guests[1]
    root.ask(Write(b"/a/b/c", b""))
    guest.ask(Watch(b"/", b"t"))
    guest.ask(Watch(b"/a/b/c", b"u"))
    assert guest.heard() == [b"/ t", b"/a/b/c u"]
    root.ask(Write(b"/a/b/c", b""))
    assert guest.heard() == []
    root.ask(SetPerms(b"/a/b", (b"n0", b"r1")))  # the directory's right suffices
    assert guest.heard() == [b"/a/b t"]
    root.ask(Write(b"/a/b/c", b""))
    assert guest.heard() == [b"/a/b/c t", b"/a/b/c u"]
    root.ask(SetPerms(b"/a/b", (b"n0",)))  # losing the right is the last thing it hears
    assert guest.heard() == [b"/a/b t"]
    root.ask(Rm(b"/a"))
    assert guest.heard() == []


def test_removal_is_heard_with_the_rights_of_the_directory_that_goes_too() -> None:
    world = World(1)
    root, guest = world.root, world.guests[1]
    root.ask(Write(b"/a/b", b""))
    root.ask(SetPerms(b"/a", (b"n0", b"r1")))
    guest.ask(Watch(b"/a/b", b"t"))
    guest.heard()
    root.ask(Rm(b"/a"))
    assert guest.heard() == [b"/a/b t"]


def test_reset() -> None:
    world = World(1)
    guest = world.guests[1]
    guest.ask(Watch(b"a", b"t"))
    transaction = guest.begin()
    assert guest.ask(ResetWatches()) == OK
    assert guest.ask(Read(b"a"), transaction) is Errno.ENOENT
    guest.heard()
    guest.ask(Write(b"a", b""))
    assert guest.heard() == []
    assert world.store.core.watches.by_path == {}


def test_special_events() -> None:
    world = World(1)
    root, guest = world.root, world.guests[1]
    for client in (root, guest):
        client.ask(Watch(b"@introduceDomain", b"i"))
        client.ask(Watch(b"@releaseDomain", b"r"))
        client.ask(Watch(b"@other", b"o"))
    root.ask(SetPerms(b"@introduceDomain", (b"n0", b"r1")))
    root.heard()
    guest.heard()
    root.ask(Introduce(5, 1, 1))
    root.ask(Release(5))
    assert root.heard() == [b"@introduceDomain i", b"@releaseDomain r"]
    assert guest.heard() == [b"@introduceDomain i"]


def test_special_paths_have_limits_too() -> None:
    world = World(1)
    assert world.guests[1].ask(Watch(b"@" + b"x" * 2048, b"t")) is Errno.EINVAL
    assert world.root.ask(Watch(b"@" + b"x" * 2048, b"t")) is Errno.EINVAL
    world.root.raw(wire.CONTROL, b"quota\0set\0path-max\x0015\0")
    assert (
        world.guests[1].ask(Watch(b"@introduceDomain", b"t")) == OK
    )  # no node: that quota is another matter


def test_depth() -> None:
    root = World(options=Options(watch_depth=True)).root
    assert root.raw(wire.WATCH, b"/a\0t\0-1\0") is Errno.EINVAL
    assert root.raw(wire.WATCH, b"/a\0t\0001\0002\0") is Errno.EINVAL
    for depth in (0, 1, 2):
        assert root.ask(Watch(b"/a", b"%d" % depth, depth)) == OK
    root.ask(Watch(b"/", b"root", 1))
    root.ask(Watch(b"@releaseDomain", b"each", 1))
    root.ask(Watch(b"@releaseDomain", b"any"))
    root.ask(Watch(b"@releaseDomain/5", b"five"))
    root.heard()
    root.ask(Write(b"/a", b""))
    assert root.heard() == [b"/a 0", b"/a 1", b"/a 2", b"/a root"]
    root.ask(Write(b"/a/b", b""))
    assert root.heard() == [b"/a/b 1", b"/a/b 2"]
    root.ask(Write(b"/a/b/c", b""))
    assert root.heard() == [b"/a/b/c 2"]
    root.ask(Introduce(5, 1, 1))
    root.ask(Release(5))
    assert root.heard() == [b"@releaseDomain/5 each", b"@releaseDomain any", b"@releaseDomain/5 five"]


class Counting(dict[bytes, dict[Registered, None]]):
    """Counts how often it is asked."""

    asked = 0

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked += 1
        return super().get(key, default)


def test_finding_costs_the_depth_however_many_watches_there_are() -> None:
    index = WatchIndex()
    counting = Counting()
    index.by_path = counting
    for one in range(30_000):
        index.add(None, b"/unrelated/%d" % one, b"t", 0, -1)
    mine = index.add(None, b"/a/b", b"t", 0, -1)
    assert index.at_or_above(b"/a/b/c/d") == [mine]
    assert counting.asked == 5
