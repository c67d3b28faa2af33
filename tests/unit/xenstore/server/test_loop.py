"""The loop turn by turn: one thread, sockets of this process, a clock of our own."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.parser import Parser
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import Errno, frame
from guestwright.xenstore.server.errors import AlreadyServed, BadSocket, UnknownDomain
from guestwright.xenstore.server.listener import Listener
from guestwright.xenstore.server.loop import Server
from guestwright.xenstore.server.settings import Settings

HOME = b"/local/domain/%d"


class Bench:
    """A server, its clock, and what its clients have received."""

    def __init__(self, settings: Settings | None = None, options: Options | None = None) -> None:
        self.now = 1000.0
        store = Store(None, options or Options(backlog_max=1 << 20))
        self.server = Server(store, settings, lambda: self.now)
        self.peers: list[socket.socket] = []
        self.root = self.client()

    def client(self) -> socket.socket:
        """A privileged client's end."""
        sock = self.server.pair()
        sock.setblocking(False)
        self.peers.append(sock)
        return sock

    def guest(self, domid: int) -> socket.socket:
        """A domain's end; it has a directory of its own."""
        home = HOME % domid
        self.ask(self.root, wire.WRITE, home + b"\0")
        self.ask(self.root, wire.SET_PERMS, home + b"\0n%d\0" % domid)
        ours, theirs = socket.socketpair()
        self.server.add(ours, domid=domid)
        theirs.setblocking(False)
        self.peers.append(theirs)
        return theirs

    def turns(self, count: int = 10) -> None:
        """Let the server work."""
        for _ in range(count):
            self.server.run_once(0)

    def ask(self, sock: socket.socket, kind: int, payload: bytes, transaction: int = 0) -> bytes | Errno:
        """A request and its reply; events on the way are lost."""
        sock.send(frame(kind, 1, transaction, payload))
        parser = Parser()
        for _ in range(1000):
            self.server.run_once(0)
            parser.feed(received(sock))
            while (found := parser.next()) is not None:
                if found[0] != wire.WATCH_EVENT:
                    return Errno(found[3][:-1].decode()) if found[0] == wire.ERROR else found[3]
        raise AssertionError("no reply")

    def close(self) -> None:
        """End everything."""
        self.server.close()
        for sock in self.peers:
            sock.close()


def received(sock: socket.socket) -> bytes:
    """What is there now."""
    try:
        return sock.recv(1 << 18)
    except BlockingIOError:
        return b""


def messages(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """Whole messages in it."""
    parser = Parser()
    parser.feed(data)
    return list(iter(parser.next, None))


def flood(sock: socket.socket, message: bytes, count: int) -> bytes:
    """Send without reading until the socket is full; what did not fit."""
    rest = message * count
    while rest:
        try:
            rest = rest[sock.send(rest) :]
        except BlockingIOError:
            break
    return rest


@pytest.fixture
def bench() -> Iterator[Bench]:
    one = Bench()
    yield one
    one.close()


def test_a_turn_gives_every_client_its_share(bench: Bench) -> None:
    greedy, modest = bench.client(), bench.client()
    flood(greedy, frame(wire.READ, 1, 0, b"/tool\0"), 2000)
    modest.send(frame(wire.READ, 1, 0, b"/tool\0"))
    bench.server.run_once(0)
    assert len(messages(received(modest))) == 1
    assert len(messages(received(greedy))) <= 2 * bench.server.settings.budget


def test_everything_sent_is_answered_in_order(bench: Bench) -> None:
    client = bench.client()
    todo = b"".join(frame(wire.READ, number, 0, b"/tool\0") for number in range(3000))
    data = b""
    while todo or len(data) < 3000 * 16:
        if todo:
            with contextlib.suppress(BlockingIOError):
                todo = todo[client.send(todo) :]
        bench.server.run_once(0)
        data += received(client)
    assert [one[1] for one in messages(data[: 1 << 18])] == list(range(3000))


@pytest.mark.parametrize("size", [1, 3, 15, 17])
def test_messages_in_pieces(bench: Bench, size: int) -> None:
    client = bench.client()
    message = frame(wire.READ, 5, 0, b"/tool\0") * 2
    data = b""
    for at in range(0, len(message), size):
        client.send(message[at : at + size])
        bench.turns(1)
        data += received(client)
    assert [one[:2] for one in messages(data)] == [(wire.READ, 5)] * 2


def test_a_message_that_is_too_long_ends_its_connection_only(bench: Bench) -> None:
    bad, good = bench.client(), bench.client()
    bad.send(wire.HEADER.pack(wire.READ, 1, 0, 4097))
    assert bench.ask(good, wire.READ, b"/tool\0") == b""
    assert bad.recv(1) == b""


def test_a_client_that_does_not_read_is_not_read(bench: Bench) -> None:
    silent = bench.client()
    bench.ask(bench.root, wire.WRITE, b"/big\0" + bytes(4000))
    for _ in range(200):
        flood(silent, frame(wire.READ, 1, 0, b"/big\0"), 100)
        bench.turns()
    link = next(one for one in bench.server.traffic.blocked)
    assert link.rest is not None
    assert len(link.rest) + link.connection.backlog < bench.server.settings.output_high + 200_000
    assert bench.ask(bench.root, wire.READ, b"/tool\0") == b""
    for _ in range(2000):  # it reads again: nothing is lost, nothing is out of step
        received(silent)
        bench.turns(2)
    assert bench.ask(silent, wire.READ, b"/tool\0") == b""


def slow_watcher(bench: Bench, watcher: socket.socket, path: bytes) -> None:
    """Fill a watcher's socket with events that it does not read."""
    token = b"t" * 3000
    watcher.send(frame(wire.WATCH, 1, 0, path + b"\0" + token + b"\0"))
    for number in range(200):
        bench.ask(bench.root, wire.WRITE, path + b"/%d\0x" % number)


def test_a_watcher_that_takes_nothing_is_dropped_after_a_while(bench: Bench) -> None:
    watcher = bench.client()
    slow_watcher(bench, watcher, b"/w")
    assert bench.server.traffic.blocked
    bench.now += 59
    bench.turns()
    assert bench.server.traffic.blocked
    bench.now += 2
    bench.turns()
    assert not bench.server.traffic.blocked
    while received(watcher):
        pass
    with pytest.raises(ConnectionError):
        watcher.send(frame(wire.READ, 1, 0, b"/tool\0"))
    assert len(bench.server.store.core.watches.by_path) == 0


def test_a_watcher_that_takes_a_little_stays(bench: Bench) -> None:
    watcher = bench.client()
    slow_watcher(bench, watcher, b"/w")
    for _ in range(5):
        bench.now += 50
        watcher.recv(65536)
        bench.turns()
    assert bench.server.traffic.blocked


def test_a_watcher_with_too_much_waiting_is_dropped_at_once(bench: Bench) -> None:
    watcher = bench.client()
    slow_watcher(bench, watcher, b"/w")
    slow_watcher(bench, bench.client(), b"/x")
    for number in range(400):
        bench.ask(bench.root, wire.WRITE, b"/w/more%d\0x" % number)
    assert len(bench.server.traffic.blocked) == 1


def test_a_guest_that_does_not_read_holds_up_no_other_guest(bench: Bench) -> None:
    silent, busy = bench.guest(1), bench.guest(2)
    home = HOME % 2
    bench.ask(bench.root, wire.SET_PERMS, home + b"\0n2\0r1\0")
    token = b"t" * 1500
    for number in range(60):
        silent.send(frame(wire.WATCH, 1, 0, home + b"\0%d" % number + token + b"\0"))
        bench.turns(1)
        received(silent)
    for number in range(500):
        assert bench.ask(busy, wire.WRITE, b"data\0%d" % number) == b"OK\0"
    link = next(iter(bench.server.traffic.blocked))
    assert link.connection.domain.domid == 1
    assert link.connection.domain.memory <= link.connection.domain.limits.memory
    assert link.connection.output
    bench.now += 21
    bench.turns()
    assert not link.connection.output
    assert link.connection.domain.memory < 200_000


def test_a_guest_with_too_many_requests_outstanding_waits(bench: Bench) -> None:
    guest = bench.guest(1)
    bench.ask(bench.root, wire.WRITE, b"/local/domain/1/big\0" + bytes(1900))
    for _ in range(400):
        flood(guest, frame(wire.READ, 1, 0, b"big\0"), 100)
        bench.turns(3)
    link = next(iter(bench.server.traffic.blocked))
    assert link.connection.outstanding == link.connection.domain.limits.outstanding
    assert bench.ask(bench.root, wire.READ, b"/tool\0") == b""
    count = 0
    while data := received(guest):
        count += len(data)
        bench.turns(50)
    assert count > 1_000_000
    assert link.connection.outstanding == 0


def test_the_write_rate_holds_a_guest_while_somebody_has_a_transaction_open(bench: Bench) -> None:
    settings = Settings(write_rate=10, write_burst=2, write_reserve=0, write_newcomer=1)
    bench.close()
    bench.__init__(settings)  # type: ignore[misc]  # the fixture closes the new one
    guest = bench.guest(1)
    flood(guest, frame(wire.WRITE, 1, 0, b"data\0x"), 10)
    bench.turns()
    assert len(messages(received(guest))) == 10  # nobody minds
    begun = bench.ask(bench.root, wire.TRANSACTION_START, b"\0")
    assert isinstance(begun, bytes)
    flood(guest, frame(wire.WRITE, 1, 0, b"data\0x"), 10)
    bench.turns()
    assert len(messages(received(guest))) == 3
    for _ in range(3):
        bench.now += 0.1
        bench.turns()
        assert len(messages(received(guest))) == 1
    assert bench.ask(bench.root, wire.WRITE, b"/free\0x") == b"OK\0"
    bench.ask(bench.root, wire.TRANSACTION_END, b"F\0", int(begun[:-1]))
    bench.now += 0.1
    bench.turns()
    assert len(messages(received(guest))) == 4


def test_privileged_clients_may_have_a_larger_turn(bench: Bench) -> None:
    bench.close()
    bench.__init__(Settings(budget=4, host_budget=50))  # type: ignore[misc]  # the fixture closes the new one
    guest = bench.guest(1)
    flood(bench.root, frame(wire.READ, 1, 0, b"/\0"), 50)
    flood(guest, frame(wire.READ, 1, 0, b"domid\0"), 50)
    bench.turns(1)
    assert len(messages(received(bench.root))) == 50
    assert len(messages(received(guest))) <= 8


def test_the_write_rate_can_hold_always_and_count_bytes(bench: Bench) -> None:
    settings = Settings(
        write_rate=10, write_burst=7, write_reserve=0, write_newcomer=1, write_always=True, write_bytes=100
    )
    bench.close()
    bench.__init__(settings)  # type: ignore[misc]  # the fixture closes the new one
    guest = bench.guest(1)
    flood(guest, frame(wire.WRITE, 1, 0, b"data\0" + b"x" * 200), 2)  # 442 bytes, so four changes more
    bench.turns()
    assert len(messages(received(guest))) == 2
    flood(guest, frame(wire.READ, 1, 0, b"data\0"), 30)  # asking costs bytes as well
    bench.turns()
    answered = len(messages(received(guest)))
    assert answered < 30  # held
    for _ in range(10):
        bench.now += 1.0
        bench.turns()
        answered += len(messages(received(guest)))
    assert answered == 30
    other = bench.guest(2)
    flood(other, frame(wire.WRITE, 1, 0, b"data\0x"), 1)
    bench.turns()
    assert len(messages(received(other))) == 1


def test_a_guest_sees_what_its_domain_may_see(bench: Bench) -> None:
    guest = bench.guest(3)
    bench.ask(bench.root, wire.WRITE, b"/secret\0x")
    assert bench.ask(guest, wire.READ, b"/secret\0") == Errno.EACCES
    assert bench.ask(guest, wire.WRITE, b"data\0mine") == b"OK\0"
    assert bench.ask(bench.root, wire.READ, b"/local/domain/3/data\0") == b"mine"
    for kind in (wire.CONTROL, wire.INTRODUCE, wire.RELEASE, wire.SET_TARGET):
        assert bench.ask(guest, kind, b"3\x001\x001\x00") == Errno.EACCES


def test_a_channel_that_ends_takes_watches_and_transactions_but_not_the_domain(bench: Bench) -> None:
    guest = bench.guest(3)
    bench.ask(guest, wire.WATCH, b"data\0t\0")
    bench.ask(guest, wire.TRANSACTION_START, b"\0")
    guest.send(frame(wire.WRITE, 1, 0, b"half\0way")[:-3])
    bench.turns()
    guest.close()
    bench.turns()
    core = bench.server.store.core
    assert not core.watches.by_path
    assert not core.transactions
    assert bench.ask(bench.root, wire.IS_DOMAIN_INTRODUCED, b"3\0") == b"T\0"
    again, theirs = socket.socketpair()
    bench.server.add(again, domid=3)
    theirs.setblocking(False)
    bench.peers.append(theirs)
    assert bench.ask(theirs, wire.DIRECTORY, b"\x2e\0") == Errno.EINVAL
    assert bench.ask(theirs, wire.GET_DOMAIN_PATH, b"3\0") == b"/local/domain/3\0"


def test_release_ends_the_link(bench: Bench) -> None:
    guest = bench.guest(3)
    assert bench.ask(bench.root, wire.RELEASE, b"3\0") == b"OK\0"
    assert guest.recv(1) == b""
    assert bench.server.store.guest(3) is None


@pytest.mark.parametrize("domid", [0, -1, 0x7FF0, 70000])
def test_not_every_number_is_a_guest(bench: Bench, domid: int) -> None:
    ours, theirs = socket.socketpair()
    bench.peers += [ours, theirs]
    with pytest.raises(UnknownDomain):
        bench.server.add(ours, domid=domid)


def test_requests_of_a_client_that_has_left_are_handled(bench: Bench) -> None:
    client = bench.client()
    for number in range(100):
        client.send(frame(wire.WRITE, 1, 0, b"/left/%d\0x" % number))
    client.close()
    bench.turns(20)
    names = bench.ask(bench.root, wire.DIRECTORY, b"/left\0")
    assert isinstance(names, bytes)
    assert names.count(b"\0") == 100
    assert len(bench.server.traffic.links) == 1


def test_a_fault_of_this_program_costs_one_connection(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = bench.client()
    store = bench.server.store

    def broken(*args: object) -> bytes:
        raise RuntimeError("boom")

    monkeypatch.setitem(store.core.guest_table, wire.READ, (broken, True))
    guest = bench.guest(1)
    guest.send(frame(wire.READ, 1, 0, b"x\0"))
    bench.turns()
    assert guest.recv(1) == b""
    assert "boom" in capsys.readouterr().err
    assert bench.ask(client, wire.READ, b"/tool\0") == b""


def test_nothing_is_left_for_the_garbage_collector(bench: Bench) -> None:
    bench.guest(1)
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            client = bench.client()
            begun = bench.ask(client, wire.TRANSACTION_START, b"\0")
            assert isinstance(begun, bytes)
            bench.ask(client, wire.WATCH, b"/x\0t\0")
            bench.ask(client, wire.WRITE, b"/x/y\0z", int(begun[:-1]))
            bench.ask(client, wire.TRANSACTION_END, b"T\0", int(begun[:-1]))
            bench.ask(client, wire.RM, b"/x\0")
            bench.ask(client, wire.TRANSACTION_START, b"\0")
            guest = bench.guest(2)
            flood(guest, frame(wire.WATCH, 1, 0, b"x\0t\0") + frame(wire.WRITE, 1, 0, b"x\0y") * 50, 1)
            bench.turns(2)
            for one in (client, guest):
                bench.peers.remove(one)
                one.close()
            del client, guest, one
            bench.turns()
            bench.ask(bench.root, wire.RELEASE, b"2\0")
            bench.turns()
        assert gc.collect() < 20
    finally:
        gc.enable()


def test_work_and_stop_from_another_thread(bench: Bench) -> None:
    where: list[int] = []
    thread = threading.Thread(target=bench.server.run)
    thread.start()
    bench.server.call(lambda: where.append(threading.get_ident()))
    bench.server.stop()
    thread.join(10)
    bench.server.run_once(0)
    assert where == [thread.ident]


def test_an_owner_may_poll_the_loop(bench: Bench) -> None:
    import select

    bench.turns()
    assert not select.select([bench.server], [], [], 0)[0]
    bench.root.send(frame(wire.READ, 1, 0, b"/tool\0"))
    assert select.select([bench.server], [], [], 10)[0]


def test_a_port_of_qemu(bench: Bench, tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "port")
    bench.server.listen(path, domid=4)
    first = socket.socket(socket.AF_UNIX)
    first.connect(path)
    first.setblocking(False)
    bench.peers.append(first)
    assert bench.ask(first, wire.READ, b"/tool\0") == Errno.EACCES
    second = socket.socket(socket.AF_UNIX)
    second.connect(path)
    second.setblocking(False)
    bench.peers.append(second)
    assert bench.ask(second, wire.GET_DOMAIN_PATH, b"4\0") == b"/local/domain/4\0"
    assert first.recv(1) == b""
    with pytest.raises(AlreadyServed):
        bench.server.listen(path)


def test_paths_that_cannot_be_sockets(bench: Bench, tmp_path: os.PathLike[str]) -> None:
    for path in (os.path.join(tmp_path, "no", "directory"), os.path.join(tmp_path, "x" * 120)):
        with pytest.raises(BadSocket):
            bench.server.listen(path)


def test_no_more_clients_than_allowed(tmp_path: os.PathLike[str]) -> None:
    bench = Bench(Settings(connections_max=2))
    path = os.path.join(tmp_path, "socket")
    bench.server.listen(path)
    for _ in range(2):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        bench.peers.append(sock)
    bench.turns()
    assert bench.peers[2].recv(1) == b""
    assert len(bench.server.traffic.links) == 2
    bench.close()


def test_without_descriptors_accepting_pauses(
    bench: Bench, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.path.join(tmp_path, "socket")
    bench.server.listen(path)
    calls = 0

    def none_left(listener: Listener) -> socket.socket:
        nonlocal calls
        calls += 1
        raise OSError(errno.EMFILE, "Too many open files")

    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    sock.setblocking(False)
    bench.peers.append(sock)
    with monkeypatch.context() as patched:
        patched.setattr(Listener, "accept", none_left)
        bench.turns()
    assert calls == 1
    assert bench.ask(bench.root, wire.READ, b"/tool\0") == b""
    bench.now += 1
    assert bench.ask(sock, wire.READ, b"/tool\0") == b""


def test_a_client_that_stops_reading_for_good_is_still_heard(bench: Bench) -> None:
    client = bench.client()
    client.shutdown(socket.SHUT_RD)
    client.send(frame(wire.WRITE, 1, 0, b"/deaf/1\0x"))
    bench.turns()
    client.send(frame(wire.WRITE, 1, 0, b"/deaf/2\0x") * 3)
    bench.turns()
    assert bench.ask(bench.root, wire.DIRECTORY, b"/deaf\0") == b"1\x002\0"
