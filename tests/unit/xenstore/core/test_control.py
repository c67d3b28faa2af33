"""CONTROL: the administrator's commands, and the check of consistency."""

from __future__ import annotations

from guestwright.xenstore.core.node import Node
from guestwright.xenstore.core.on_control import faults
from guestwright.xenstore.core.requests import Control, Mkdir
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import World

OK = b"OK\0"


def test_commands() -> None:
    world = World(1)
    ask = world.root.ask
    assert ask(Control((b"check",))) == OK
    assert ask(Control((b"check", b"more"))) is Errno.EINVAL
    assert ask(Control((b"print", b"hello"))) == OK
    assert ask(Control((b"print",))) is Errno.EINVAL
    assert ask(Control((b"nonsense",))) is Errno.EINVAL
    assert world.root.raw(0, b"check") is Errno.EINVAL
    assert ask(Control((b"help",))) == b"Supported commands:\ncheck\nhelp\nprint\nquota\n\0"
    assert world.guests[1].ask(Control((b"check",))) is Errno.EACCES
    assert ask(Control((b"check",)), 5) is Errno.ENOENT


def test_quota() -> None:
    world = World(1)
    ask = world.root.ask
    answer = ask(Control((b"quota",)))
    assert isinstance(answer, bytes)
    assert b"nodes                  1000\n" in answer
    assert ask(Control((b"quota", b"set", b"nodes", b"77"))) == OK
    assert ask(Control((b"quota", b"set", b"nodes", b"x"))) is Errno.EINVAL
    assert ask(Control((b"quota", b"set", b"none", b"1"))) is Errno.EINVAL
    assert ask(Control((b"quota", b"set", b"permissions", b"3"))) == OK  # its name in 4.17
    assert b"node-permissions          3\n" in (ask(Control((b"quota",))) or b"")
    assert ask(Control((b"quota", b"9"))) is Errno.ENOENT
    assert ask(Control((b"quota", b"x"))) is Errno.EINVAL
    assert ask(Control((b"quota", b"1", b"2"))) is Errno.EINVAL
    assert b"watches                   0\n" in (ask(Control((b"quota", b"1"))) or b"")
    assert b"Domain 0:" in (ask(Control((b"quota", b"0"))) or b"")


def test_faults_are_found() -> None:
    world = World(1)
    core = world.store.core
    world.guests[1].ask(Mkdir(b"a"))
    private = core.tree.nodes[b"/"].perms
    core.tree.nodes[b"/lost/node"] = Node(b"", private)
    core.tree.nodes[b"/nowhere"] = Node(b"", private)
    core.tree.nodes[b"/tool"].children[b"ghost"] = None
    del core.domains[1].owned[b"/local/domain/1/a"]
    core.domains[1].owned[b"/x"] = None
    core.domains[1].owned[b"/y"] = None
    found = faults(core)
    assert len(found) == 6
    answer = world.root.ask(Control((b"check",)))
    assert isinstance(answer, bytes)
    assert b"b'/tool' lists b'ghost'" in answer
