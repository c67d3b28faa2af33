"""Waiting for handles, streams over them, the port and its reopening; a stand-in for Windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from guestwright.agent.poller import IN, OUT
from guestwright.agent.windows.changes import Changes
from guestwright.agent.windows.port import Ports, WindowsPort
from guestwright.agent.windows.streams import Incoming, Outgoing
from guestwright.agent.windows.waiting import Waiter, WindowsLoop
from tests.support.windows_fake import Broken, FakeWindows, Pipe

BOTH = IN | OUT


@pytest.fixture
def windows() -> FakeWindows:
    return FakeWindows()


@pytest.fixture
def loop(windows: FakeWindows) -> Iterator[WindowsLoop]:
    made = WindowsLoop(windows)
    yield made
    made.close()


def test_all_that_is_set_is_told(windows: FakeWindows) -> None:
    waiter = Waiter(windows)
    first, second, third = (windows.new_event(state=state) for state in (True, False, True))
    for handle in (first, second, third):
        waiter.register(handle, IN)
    assert waiter.poll(0, 64) == [(first, BOTH), (third, BOTH)]
    waiter.unregister(first)
    waiter.modify(third, 0)
    assert waiter.poll(0, 64) == []
    waiter.modify(third, IN)
    assert waiter.poll(0, 64) == [(third, BOTH)]
    windows.ResetEvent(third)
    assert waiter.poll(0.5, 64) == []


def test_names_have_attached_events(windows: FakeWindows) -> None:
    waiter = Waiter(windows)
    name, other = waiter.name(), waiter.name()
    assert name != other
    events = [windows.new_event(state=True) for _ in range(3)]
    for event in events:
        waiter.attach(event, name)
    assert waiter.poll(0, 64) == []  # nobody has asked for the name
    waiter.register(name, IN)
    assert waiter.poll(0, 64) == [(name, BOTH)]
    for event in events:
        waiter.detach(event)
    assert waiter.poll(0, 64) == []
    waiter.close()


def test_more_handles_than_windows_waits_for_take_turns(windows: FakeWindows) -> None:
    waiter = Waiter(windows)
    handles = [windows.new_event(state=True) for _ in range(100)]
    for handle in handles:
        waiter.register(handle, IN)
    seen = {fd for _ in range(4) for fd, _ in waiter.poll(0, 64)}
    assert seen == set(handles)


def test_a_handle_that_is_none(windows: FakeWindows) -> None:
    waiter = Waiter(windows)
    waiter.register(4711, IN)
    with pytest.raises(OSError, match="WaitForMultipleObjects"):
        waiter.poll(0, 64)


def test_the_loop_runs_timers_and_handlers(windows: FakeWindows) -> None:
    now = [0.0]
    loop = WindowsLoop(windows, lambda: now[0])
    event = loop.event()
    seen: list[object] = []
    loop.add(event, seen.append)
    loop.at(5, lambda: seen.append("later"))
    windows.SetEvent(event)
    loop.turn(0)
    now[0] = 6
    windows.ResetEvent(event)
    loop.turn(0)
    assert seen == [BOTH, "later"]
    loop.close()


def test_what_arrives_is_read(windows: FakeWindows, loop: WindowsLoop) -> None:
    pipe = Pipe()
    windows.files["p"] = pipe
    handle = windows.winapi.CreateFile("p", 0)
    incoming = Incoming(windows, loop.waiter, handle, -1)
    assert incoming.take() is None
    loop.waiter.register(-1, IN)
    assert loop.waiter.poll(0, 64) == []
    pipe.arriving += [b"one", b"two"]
    assert loop.waiter.poll(0, 64) == [(-1, BOTH)]
    assert [incoming.take(), incoming.take(), incoming.take()] == [b"one", b"two", None]
    pipe.broken = True
    with pytest.raises(Broken):
        incoming.take()
    incoming.close()
    assert loop.waiter.poll(0, 64) == []


def test_what_is_written_waits_for_room(windows: FakeWindows, loop: WindowsLoop) -> None:
    pipe = Pipe()
    windows.files["p"] = pipe
    outgoing = Outgoing(windows, loop.waiter, windows.winapi.CreateFile("p", 0), -1)
    pipe.room = False
    outgoing.put(b"a" * 70_000)
    assert not outgoing.settle()
    assert len(outgoing.rest) == 70_000
    pipe.room = True
    assert outgoing.settle()
    assert pipe.written == b"a" * 70_000
    pipe.room = False
    outgoing.put(b"never")
    outgoing.close()
    pipe.broken = True
    with pytest.raises(Broken):
        outgoing.settle()


def test_a_port_takes_its_messages_in_parts(windows: FakeWindows, loop: WindowsLoop) -> None:
    pipe = Pipe()
    windows.files["port"] = pipe
    port = WindowsPort(loop, "port")
    loop.add(port.fd, lambda _events: None, port.interest)
    assert loop.waiter.poll(0, 64) == [(port.fd, BOTH)]  # at once, so that the line begins
    assert port.receive() is None
    assert not port.heard
    assert port.send(b"x" * 20_000) == 1 << 14
    assert port.send(b"y") == 1
    pipe.room = False
    assert port.send(b"z") == 1
    assert port.send(b"z") == 0
    pipe.arriving.append(b"answer")
    assert port.receive() == b"answer"
    assert vars(port)["heard"]
    loop.remove(port.fd)
    port.close()
    port.close()
    assert pipe.closed == 1
    assert loop.waiter.poll(0, 64) == []


def test_a_port_that_says_nothing_is_opened_less_often(windows: FakeWindows, loop: WindowsLoop) -> None:
    pipe = Pipe()
    windows.files["port"] = pipe
    ports = Ports(loop, "port")
    first = ports.open()
    assert first is not None
    first.close()
    assert ports.open() is None
    second = ports.open()
    assert second is not None
    pipe.arriving.append(b"!")
    second.receive()
    second.close()
    third = ports.open()
    assert third is not None
    third.close()
    with pytest.raises(FileNotFoundError):
        Ports(loop, "no port").open()


def test_changes_of_addresses_are_heard_in_the_loop(windows: FakeWindows, loop: WindowsLoop) -> None:
    told: list[object] = []
    callbacks: list[Callable[..., object]] = []

    def notify(
        family: int, callback: Callable[..., object], context: None, first: bool, handle: object
    ) -> int:
        callbacks.append(callback)
        return 0

    windows.functions["NotifyUnicastIpAddressChange"] = notify
    windows.functions["NotifyIpInterfaceChange"] = lambda *_: 50
    windows.functions["CancelMibChangeNotify2"] = lambda _handle: 0
    changes = Changes(loop, lambda: told.append(1))
    assert not changes.complete
    callbacks[0](None, None, 1)
    callbacks[0](None, None, 1)
    assert told == []
    loop.turn(0)
    loop.turn(0)
    assert told == [1]
    changes.close()
    changes.close()
    assert windows.calls.count("CancelMibChangeNotify2") == 1
