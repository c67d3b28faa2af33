"""Whatever is done to a store, checkpoint and journal give the same store."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from guestwright.xenstore.core import dump, requests, wire
from guestwright.xenstore.core.wire import Errno
from guestwright.xenstore.server import compacting, compaction
from guestwright.xenstore.server import journal as journal_module
from guestwright.xenstore.server.compaction import SUFFIX as COMPACTED
from guestwright.xenstore.server.compaction import Compaction
from guestwright.xenstore.server.daemon import Keeper
from guestwright.xenstore.server.journal import Journal
from guestwright.xenstore.server.loop import Server
from guestwright.xenstore.server.recovery import load
from tests.support.xenstore import FakeHost, World
from tests.support.xenstore_server import Wire

PATHS = (b"/a", b"/a/b", b"/a/b/c", b"/d", b"/local/domain/1/x", b"/local/domain/2/y", b"/a/e")
Step = tuple[Any, ...]

STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(PATHS), st.binary(max_size=4)),
    st.tuples(st.just("rm"), st.sampled_from(PATHS)),
    st.tuples(
        st.just("perms"),
        st.sampled_from(PATHS),
        st.lists(st.sampled_from((b"n0", b"n1", b"r2", b"b3")), min_size=1, max_size=3),
    ),
    st.tuples(st.just("special"), st.sampled_from((b"n0", b"n1"))),
    st.tuples(st.just("introduce"), st.integers(1, 4)),
    st.tuples(st.just("release"), st.integers(1, 4)),
    st.tuples(st.just("shutdown"), st.integers(1, 4)),
    st.tuples(st.just("target"), st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.just("quota"), st.integers(0, 50)),
    st.tuples(
        st.just("commit"), st.lists(st.tuples(st.sampled_from(PATHS), st.binary(max_size=2)), max_size=4)
    ),
    st.tuples(st.just("turn")),
    st.tuples(st.just("checkpoint")),
    st.tuples(st.just("long")),
    st.tuples(st.just("compacted")),
)


def do(world: World, step: Step) -> None:
    root = world.root
    what, *how = step
    if what == "write":
        root.ask(requests.Write(*how))
    elif what == "rm":
        root.ask(requests.Rm(*how))
    elif what == "perms":
        root.ask(requests.SetPerms(how[0], tuple(how[1])))
    elif what == "special":
        root.raw(14, b"@releaseDomain\0" + how[0] + b"\0")
    elif what == "introduce":
        root.ask(requests.Introduce(how[0], 1, 1))
    elif what == "release":
        root.ask(requests.Release(how[0]))
    elif what == "shutdown":
        world.store.domain_shutdown(how[0])
    elif what == "target":
        root.raw(19, b"%d\0%d\0" % tuple(how))
    elif what == "quota":
        root.raw(0, b"quota\0set\0nodes\0%d\0" % how[0])
    elif what == "commit":
        begun = root.begin()
        for path, value in how[0]:
            root.ask(requests.Write(path, value), begun)
        assert root.commit(begun) in {b"OK\0", Errno.EAGAIN, Errno.ENOSPC}


def comparable(state: dump.State) -> dump.State:
    """A state without what a journal does not keep: watches, and the order of siblings."""
    return {
        **state,
        "nodes": sorted(state["nodes"]),
        "domains": sorted(state["domains"], key=lambda one: int(one["domid"])),
        "guests": sorted(one["domid"] for one in state["guests"]),
    }


class Held(Compaction):
    """One whose process is this one, and that ends when it is told to."""

    begun: ClassVar[list[Held]] = []

    def __init__(self, path: str, number: int) -> None:
        self._path, self._made, self._number = path, path + COMPACTED, number
        self.over = False
        self.begun.append(self)

    @property
    def ended(self) -> bool:
        return self.over

    def end(self) -> None:
        self.over = True
        assert compacting.main(self._path, self._made, str(self._number)) == 0

    def put(self) -> bool:
        os.replace(self._made, self._path)
        killed(self._path)  # between the two
        return True

    def give_up(self) -> None:
        compaction.discard(self._path)


def killed(path: str) -> dump.State:
    """What the next server finds if this one is killed now."""
    found = load(path, FakeHost(), None)
    assert found is not None
    return comparable(dump.save(found[0]))


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_recovered_is_what_was(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_module, "Compaction", Held)
        Held.begun.clear()
        path = os.path.join(directory, "state")
        world = World(1, host=FakeHost())
        journal = Journal(world.store, path)
        for step in steps:
            do(world, step)
            if step[0] == "turn":
                journal.write()
            elif step[0] == "checkpoint":
                journal.checkpoint()
            elif step[0] == "long":
                journal._limit = 0
                journal.write()
                assert killed(path) == comparable(dump.save(world.store))
            elif step[0] == "compacted" and journal._compaction is not None:
                Held.begun[-1].end()
                journal.write()
        journal.write()
        assert killed(path) == comparable(dump.save(world.store))
        journal.close()
        assert killed(path) == comparable(dump.save(world.store))


def test_a_journal_of_an_older_checkpoint_is_void(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "state")
    world = World()
    journal = Journal(world.store, path)
    do(world, ("write", b"/a", b"1"))
    journal.write()
    with open(path + ".journal", "rb") as stream:
        old = stream.read()
    do(world, ("rm", b"/a"))
    journal.checkpoint()
    journal.close()
    with open(path + ".journal", "wb") as stream:
        stream.write(old)  # as if killed between the two files
    found = load(path, None, None)
    assert found is not None
    assert b"/a" not in found[0].core.tree.nodes


def test_a_long_journal_becomes_a_checkpoint(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "state")
    world = World()
    journal = Journal(world.store, path)
    number = 0
    while journal.number < 4:
        number += 1
        do(world, ("write", b"/a", b"%d" % number + bytes(3900)))
        journal.write()
        if journal._compaction is not None:
            assert os.path.getsize(path + ".journal") < (8 << 20) + 40_000
            journal._compaction.wait()
    last = b"%d\0" % number
    assert killed(path) == comparable(dump.save(world.store))
    journal.write()
    found = load(path, None, None)
    assert found is not None
    assert (found[1], found[0].core.tree.nodes[b"/a"].value[: len(last)]) == (4, last)
    assert sorted(os.listdir(tmp_path)) == ["state", "state.journal"]
    journal._limit = 0
    do(world, ("write", b"/a", b"x"))
    journal.write()
    journal.close()  # what was being made is given up
    assert sorted(os.listdir(tmp_path)) == ["state", "state.journal", "state.journal.next"]
    journal = Journal(world.store, path, 5)
    assert (journal.number, sorted(os.listdir(tmp_path))) == (6, ["state", "state.journal"])
    journal.close()


def test_a_checkpoint_that_cannot_be_made_elsewhere_is_made_here(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "state")
    world = World()
    journal = Journal(world.store, path)
    do(world, ("write", b"/a", b"1"))
    journal._limit = 0
    journal.write()
    assert journal._compaction is not None
    journal._compaction._process.kill()
    journal._compaction.wait()
    do(world, ("write", b"/a", b"2"))
    journal.write()
    assert journal.number == 3
    assert killed(path) == comparable(dump.save(world.store))
    assert sorted(os.listdir(tmp_path)) == ["state", "state.journal"]
    do(world, ("write", b"/a", b"3"))
    journal._limit = 0
    journal.write()
    do(world, ("write", b"/a", b"4"))
    journal.write()  # it does not come to an end, and the journal is four times too long
    assert journal.number == 5
    assert killed(path) == comparable(dump.save(world.store))
    journal.close()


def test_a_full_disk_stops_the_journal_not_the_server(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = os.path.join(tmp_path, "state")
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    server = Server()
    client = Wire(server.pair())
    keeper = Keeper(server, path, 0)
    full = True
    really_write = os.write

    def write(fd: int, data: bytes) -> int:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really_write(fd, data)

    monkeypatch.setattr(os, "write", write)

    def put(value: bytes) -> None:
        client.send(wire.WRITE, b"/a\0" + value)
        server.run_once(0)
        assert client.reply() == b"OK\0"

    put(b"1")
    assert "could not be saved" in capsys.readouterr().err
    put(b"2")
    assert capsys.readouterr().err == ""
    full = False
    now[0] += 11
    put(b"3")
    put(b"4")
    assert keeper.number == 2
    keeper.close()
    client.sock.close()
    server.close()
    found = load(path, None, None)
    assert found is not None
    assert found[0].core.tree.nodes[b"/a"].value == b"4"
