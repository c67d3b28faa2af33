"""Hostile and stuck peers, all at once, and an honest one whose answers must come in time."""

from __future__ import annotations

import os
import random
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.wire import frame
from tests.support.xenstore_server import Running, Wire

pytestmark = pytest.mark.system

SECONDS = 3.0


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as one:
        yield one


def until(end: float, sock: socket.socket, data: Callable[[], bytes], *, read: bool = False) -> None:
    """Send without pause."""
    sock.settimeout(0.05)
    while time.monotonic() < end:
        try:
            sock.sendall(data())
            if read:
                sock.recv(1 << 16)
        except TimeoutError:
            continue
        except OSError:
            return


def garbage() -> bytes:
    return random.randbytes(random.randrange(1, 200))


def plausible() -> bytes:
    """Well-formed headers around rubbish."""
    kind = random.randrange(30)
    return frame(kind, 0, random.choice((0, 0, 1, 99)), random.randbytes(random.randrange(60)))


def test_an_honest_client_is_served_in_time(running: Running) -> None:
    end = time.monotonic() + SECONDS
    token = b"t" * 1000
    threads = []

    def peer(sock: socket.socket, data: Callable[[], bytes], *, read: bool = False) -> None:
        thread = threading.Thread(target=until, args=(end, sock, data), kwargs={"read": read}, daemon=True)
        threads.append(thread)

    guests = [running.guest(domid) for domid in range(1, 6)]
    greedy, silent, trickling, rubbish, odd = guests
    peer(greedy.sock, lambda: frame(wire.WRITE, 1, 0, b"data\0x") * 20, read=True)
    peer(silent.sock, lambda: frame(wire.READ, 1, 0, b"nothing\0") * 20)
    peer(trickling.sock, lambda: b"\x02")
    peer(rubbish.sock, garbage)
    peer(odd.sock, plausible, read=True)
    silent_root = running.client()
    peer(
        silent_root.sock,
        lambda: frame(wire.WATCH, 1, 0, b"/\0%d" % random.randrange(1 << 30) + token + b"\0"),
    )
    honest = running.client()
    for thread in threads:
        thread.start()
    taken = []
    while time.monotonic() < end:
        begun = time.monotonic()
        honest.write(b"/honest", b"x")
        assert honest.read(b"/honest") == b"x"
        taken.append(time.monotonic() - begun)
        time.sleep(0.002)
    for thread in threads:
        thread.join(60)
    for one in (*guests, honest, silent_root):
        one.sock.close()
    assert len(taken) > 20
    assert statistics.median(taken) < 0.1
    assert max(taken) < 5.0


def test_a_storm_of_connections(running: Running, tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "socket")
    running.inside(lambda: running.server.listen(path))
    honest = running.client()
    for number in range(2000):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        if number % 3:
            sock.send(b"\0" * (number % 40))
        sock.close()
        if not number % 100:
            honest.write(b"/honest", b"x")
    honest.write(b"/honest", b"x")
    assert running.inside(lambda: len(running.server.traffic.links)) <= 140
    honest.sock.close()


def test_hostile_streams_cost_no_memory(running: Running) -> None:
    """What a thousand broken connections leave behind."""

    def storm(count: int) -> None:
        for number in range(count):
            client = running.client()
            client.sock.send(
                garbage() if number % 2 else frame(wire.WATCH, 1, 0, b"/x\0%d\0" % number) + b"\1"
            )
            client.sock.close()

    storm(300)
    with Wire(running.inside(running.server.pair)) as probe:
        probe.read(b"/")
    core = running.server.store.core
    assert running.inside(lambda: (len(core.watches.by_path), core.transactions, len(core.ready))) == (
        0,
        0,
        0,
    )
