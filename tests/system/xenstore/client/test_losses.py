"""Servers that die, stop, come back or lie: what the client's users see."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.xenstore.client.aio.client import AsyncClient
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import Closed, ConnectionLost, NoServer, TimedOut
from guestwright.xenstore.client.watch import Watch
from guestwright.xenstore.client.watching import Event
from guestwright.xenstore.core import wire
from tests.support.tools import needs
from tests.support.xenstored import Xenstored, started

pytestmark = [pytest.mark.system, needs("gcc", "/usr/lib/xen-4.17/bin/xenstored")]

PATIENCE = 20.0


@pytest.fixture(params=["c", "ours"])
def store(request: pytest.FixtureRequest) -> Iterator[Xenstored]:
    with started(request.param) as one:
        yield one


@pytest.fixture
def ours() -> Iterator[Xenstored]:
    with started("ours") as one:
        yield one


def until_missed(watch: Watch) -> Event:
    while not (event := watch.get(PATIENCE)).missed:
        pass
    return event


def test_watches_come_back_after_a_restart_and_say_so(store: Xenstored) -> None:
    with Client(store.socket, timeout=PATIENCE) as client, client.watch("/a", "/b") as watch:
        assert [watch.get(PATIENCE).missed for _ in range(2)] == [False, False]
        store.restart()
        assert {until_missed(watch).path, until_missed(watch).path} == {"/a", "/b"}
        client.write("/a/x", "1")
        assert watch.get(PATIENCE) == Event(path="/a/x", watched="/a")
        assert client.connection.losses == 1


def test_a_thread_that_waits_for_an_event_goes_on_after_a_restart(store: Xenstored) -> None:
    with Client(store.socket, timeout=PATIENCE) as client, client.watch("/a") as watch:
        watch.get(PATIENCE)
        found: list[Event] = []
        thread = threading.Thread(target=lambda: found.append(until_missed(watch)))
        thread.start()
        store.restart()
        thread.join(PATIENCE)
        assert [one.path for one in found] == ["/a"]


def test_asyncio_goes_on_after_a_restart(store: Xenstored) -> None:
    async def work() -> None:
        async with AsyncClient(store.socket, timeout=PATIENCE) as client, client.watch("/a") as events:
            await events.get()
            await asyncio.to_thread(store.restart)
            async with asyncio.timeout(PATIENCE):
                while not (await events.get()).missed:
                    pass
                await client.write("/a/x", "1")
                assert (await events.get()).path == "/a/x"

    asyncio.run(work())


def test_requests_wait_for_the_next_server(store: Xenstored) -> None:
    with Client(store.socket, timeout=PATIENCE) as client:
        client.write("/a", "1")
        store.end(signal.SIGKILL)
        os.unlink(store.socket)
        starter = threading.Timer(0.3, store.restart)
        starter.start()
        assert client.get("/no/such/node") is None
        starter.join()


def test_a_transaction_does_not_survive_its_connection(store: Xenstored) -> None:
    def lose() -> None:
        with client.transaction() as inside:
            inside.write("/a", "1")
            store.restart()
            inside.write("/b", "1")

    with Client(store.socket, timeout=PATIENCE) as client:
        with pytest.raises(ConnectionLost):
            lose()
        assert not client.exists("/a")
        assert not client.exists("/b")


def test_patience_ends(store: Xenstored) -> None:
    with Client(store.socket, timeout=PATIENCE, patience=0.3) as client, client.watch("/a") as watch:
        watch.get(PATIENCE)
        store.end(signal.SIGKILL)
        os.unlink(store.socket)
        before = time.monotonic()
        with pytest.raises(NoServer):
            watch.get()
        assert 0.2 < time.monotonic() - before < PATIENCE / 2
        with pytest.raises(NoServer):
            client.read("/a")


def test_no_patience(store: Xenstored) -> None:
    with Client(store.socket, timeout=PATIENCE, patience=0) as client:
        client.write("/a", "1")
        store.end(signal.SIGKILL)
        with pytest.raises(ConnectionLost):
            client.read("/a")
        with pytest.raises(ConnectionLost):
            client.watch("/a")


def test_a_server_that_does_not_answer(store: Xenstored) -> None:
    with Client(store.socket, timeout=PATIENCE) as client:
        client.write("/a", "1")
        store.process.send_signal(signal.SIGSTOP)
        try:
            hasty = client.within(0.1)
            before = time.monotonic()
            with pytest.raises(TimedOut, match=r"write /a within 0\.1 s"):
                hasty.write("/a", "2")
            with pytest.raises(TimedOut):
                hasty.watch("/a")
            with pytest.raises(TimedOut), hasty.transaction():
                pass
            assert time.monotonic() - before < PATIENCE / 2
        finally:
            store.process.send_signal(signal.SIGCONT)
        assert client.read("/a") == b"2"  # it had been sent
        with client.transaction() as inside:
            inside.write("/a", "3")
        with client.watch("/b") as watch:
            assert watch.get(PATIENCE).path == "/b"
            client.write("/a", "4")  # nobody hears of it any more
            with pytest.raises(TimedOut):
                watch.get(0.1)


def test_asyncio_and_a_server_that_does_not_answer(store: Xenstored) -> None:
    async def work() -> None:
        async with AsyncClient(store.socket, timeout=0.1) as client:
            await client.write("/a", "1")
            store.process.send_signal(signal.SIGSTOP)
            try:
                with pytest.raises(TimedOut):
                    await client.read("/a")
                task = asyncio.create_task(client.within(None).read("/a"))
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            finally:
                store.process.send_signal(signal.SIGCONT)
            assert await client.within(PATIENCE).read("/a") == b"1"

    asyncio.run(work())


def test_a_transaction_whose_start_was_not_awaited_is_aborted(ours: Xenstored) -> None:
    """The server ends with none open: the late id is answered with an abort."""
    with Client(ours.socket, timeout=PATIENCE) as client:
        client.write("/a", "1")
        ours.process.send_signal(signal.SIGSTOP)
        with pytest.raises(TimedOut), client.within(0.05).transaction():
            pass
        ours.process.send_signal(signal.SIGCONT)
        client.read("/a")
        client.read("/a")
        with client.connection.lock:
            assert not client.connection.session._sent or all(
                one.request.kind == wire.TRANSACTION_END for one in client.connection.session._sent.values()
            )


def test_close_wakes_a_thread_that_waits_for_an_answer(ours: Xenstored) -> None:
    client = Client(ours.socket, timeout=PATIENCE)
    client.write("/a", "1")
    ours.process.send_signal(signal.SIGSTOP)
    try:
        threading.Timer(0.1, client.close).start()
        with pytest.raises(Closed):
            client.read("/a")
    finally:
        ours.process.send_signal(signal.SIGCONT)


class Liar:
    """A server that says what it is told to say.

    Args:
        path: of its socket.
        answers: what the first connections get, whatever they ask; then they are hung up on.
    """

    def __init__(self, path: Path, *answers: bytes) -> None:
        self.path = str(path)
        self._answers = answers
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for one in self._answers:
            peer, _ = self._listener.accept()
            with peer:
                request = peer.recv(65536)
                peer.sendall(one.replace(b"<id>", request[4:8]))
        self._listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\2\0\0\0<id>\0\0\0\0\xff\xff\xff\xff",
        b"\5\0\0\0<id>\0\0\0\0\3\0\0\0OK\0",
        b"\x63\0\0\0<id>\0\0\0\0\0\0\0\0",
        b"\x0f\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0x",
        b"\x10\0\0\0<id>\0\0\0\0\2\0\0\0\xff\xff",
    ],
    ids=["hangs-up", "endless", "other-type", "unknown-type", "event-without-token", "error-in-latin-1"],
)
def test_what_is_not_the_protocol_ends_the_connection(tmp_path: Path, answer: bytes) -> None:
    liar = Liar(tmp_path / "socket", answer)
    with Client(liar.path, timeout=PATIENCE, patience=0) as client, pytest.raises(ConnectionLost):
        client.read("/a")


def test_a_liar_is_left_for_the_next_server(tmp_path: Path) -> None:
    truth = b"\2\0\0\0<id>\0\0\0\0\5\0\0\0truth"
    liar = Liar(tmp_path / "socket", b"\2\0\0\0<id>\0\0\0\0\xff\xff\xff\xff", truth)
    with Client(liar.path, timeout=PATIENCE) as client:
        assert client.read("/a") == b"truth"
        assert client.connection.losses


def test_more_clients_at_once_than_the_server_accepts(store: Xenstored) -> None:
    """C xenstored listens with a backlog of one."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with Client(store.socket, timeout=PATIENCE) as client:
                client.write(f"/n{number}", "1")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failures


def test_more_asyncio_clients_at_once_than_the_server_accepts(store: Xenstored) -> None:
    async def one(number: int) -> None:
        async with AsyncClient(store.socket, timeout=PATIENCE) as client:
            await client.write(f"/n{number}", "1")

    async def work() -> None:
        await asyncio.gather(*[one(number) for number in range(40)])

    asyncio.run(work())
    with Client(store.socket) as client:
        assert len([name for name in client.children("/") if name.startswith("n")]) == 40


def test_asyncio_without_a_server(tmp_path: Path) -> None:
    async def work() -> None:
        async with AsyncClient(str(tmp_path / "none")):
            raise AssertionError("there is none")

    with pytest.raises(NoServer):
        asyncio.run(work())


def test_an_abort_after_a_loss_hides_nothing(store: Xenstored) -> None:
    async def work() -> None:
        async with AsyncClient(store.socket, timeout=PATIENCE) as client, client.transaction() as inside:
            await inside.write("/a", "1")
            await asyncio.to_thread(store.restart)
            await client.get("/a")
            raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(work())


def test_no_descriptor_is_left_behind(ours: Xenstored) -> None:
    def rounds() -> int:
        for _ in range(10):
            with Client(ours.socket) as client, client.watch("/a") as watch:
                watch.get(PATIENCE)
        return len(os.listdir("/proc/self/fd"))

    assert rounds() == rounds()


def test_slow_readers_lose_events_and_are_told(ours: Xenstored) -> None:
    with (
        Client(ours.socket, timeout=PATIENCE) as client,
        Client(ours.socket) as other,
        client.watch("/a") as w,
    ):
        w.get(PATIENCE)
        for number in range(5000):
            other.write(f"/a/{number}", "")
            client.get("/none") if number % 50 == 0 else None
        client.get("/none")
        first = w.get(PATIENCE)
        assert first.missed
        last = first
        for _ in range(4095):
            last = w.get(PATIENCE)
        assert last.path == "/a/4999"
        assert not last.missed
