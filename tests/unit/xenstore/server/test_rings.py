"""Domains behind a page: what the ring's description asks of the server."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.dump import restore, save
from guestwright.xenstore.core.parser import Message, Parser
from guestwright.xenstore.core.ring import PAGE_SIZE, Ring, RingError
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import frame
from guestwright.xenstore.server.link import Link
from guestwright.xenstore.server.loop import Server


class Guest:
    """A domain's side of its page."""

    def __init__(
        self, server: Server, domid: int, page: bytearray | None = None, *, fresh: bool = False
    ) -> None:
        self.page = bytearray(PAGE_SIZE) if page is None else page
        self.ring = Ring(self.page, server=False)
        self.notified = 0
        self.server = server
        self.parser = Parser()
        self.link: Link = server.add_ring(domid, self.page, self._notify, fresh=fresh)

    def _notify(self) -> None:
        self.notified += 1

    def send(self, data: bytes) -> list[Message]:
        """Send any amount, reading all the while; the messages that came."""
        found = []
        idle = 0
        while idle < 3:
            put = self.ring.put(data)
            assert put is not None
            data = data[put:]
            self.server.kick(self.link)
            self.server.run_once(0)
            got = self.ring.get()
            assert got is not None
            self.parser.feed(got)
            while (message := self.parser.next()) is not None:
                found.append(message)
            idle = 0 if put or got else idle + 1
        return found


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


def test_requests_longer_than_the_ring(server: Server) -> None:
    root = server.store.connect()
    server.store.receive(root, frame(wire.WRITE, 1, 0, b"/local/domain/1\0"))
    server.store.receive(root, frame(wire.SET_PERMS, 1, 0, b"/local/domain/1\0n1\0"))
    guest = Guest(server, 1)
    value = bytes(range(250)) * 7
    todo = [frame(wire.WRITE, 1, 0, b"a\0" + value), frame(wire.READ, 2, 0, b"a\0")] * 20
    replies = guest.send(b"".join(todo))
    assert [one[3] for one in replies] == [b"OK\0", value] * 20
    assert guest.notified


def test_indices_may_start_anywhere(server: Server) -> None:
    page = bytearray(PAGE_SIZE)
    for at in (2048, 2052, 2056, 2060):
        page[at : at + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    guest = Guest(server, 1, page)
    assert [one[0] for one in guest.send(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0") * 30)] == [
        wire.GET_DOMAIN_PATH
    ] * 30


@pytest.mark.parametrize("index", [2052, 2060], ids=["requests", "responses"])
def test_senseless_indices_end_the_service_until_the_domain_asks_anew(server: Server, index: int) -> None:
    guest, other = Guest(server, 1), Guest(server, 2)
    guest.send(frame(wire.WATCH, 1, 0, b"a\0t\0"))
    if index == 2060:
        guest.ring.put(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))
    guest.page[index : index + 4] = (5000).to_bytes(4, "little")
    server.kick(guest.link)
    server.run_once(0)
    assert guest.ring.error == RingError.INDEX
    assert not server.store.core.watches.by_path
    assert other.send(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))
    guest.ring.ask_restart()
    server.kick(guest.link)
    server.run_once(0)
    guest.parser = Parser()
    assert [one[3] for one in guest.send(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))] == [b"/local/domain/1\0"]


def test_a_message_too_long_is_reported(server: Server) -> None:
    guest = Guest(server, 1)
    assert not guest.send(wire.HEADER.pack(wire.READ, 1, 0, 4097))
    assert guest.ring.error == RingError.PROTOCOL
    guest.page[2072] = 0
    assert not guest.send(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))


def test_a_full_ring_waits_for_the_domain(server: Server) -> None:
    guest = Guest(server, 1)
    for _ in range(100):
        guest.ring.put(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))
        server.kick(guest.link)
        server.run_once(0)
    assert server.traffic.blocked
    assert guest.link.connection.outstanding <= 20
    before = guest.notified
    server.run_once(0)
    assert guest.notified == before  # nobody spins
    assert guest.send(b"")
    assert not server.traffic.blocked


def test_a_descriptor_that_signals(server: Server) -> None:
    page = bytearray(PAGE_SIZE)
    ring = Ring(page, server=False)
    signal = os.eventfd(0)
    try:
        link = server.add_ring(1, page, lambda: None, signal=signal)
        server.run_once(0)
        ring.put(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))
        os.eventfd_write(signal, 1)
        server.run_once(10)
        server.run_once(0)
        assert ring.get()
        server.remove(link)
        server.run_once(0)
        ring.put(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))
        os.eventfd_write(signal, 1)
        server.run_once(0)
        assert ring.get() == b""
    finally:
        os.close(signal)


def test_introduce_again_begins_anew(server: Server) -> None:
    guest = Guest(server, 1)
    guest.send(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))
    guest.ring.put(frame(wire.WRITE, 1, 0, b"half\0way")[:-2])
    server.kick(guest.link)
    server.run_once(0)
    root = server.store.connect()
    server.store.receive(root, frame(wire.INTRODUCE, 1, 0, b"1\x001\x001\x00"))
    assert guest.page[2048:2064] == bytes(16)
    assert [one[3] for one in guest.send(frame(wire.GET_DOMAIN_PATH, 1, 0, b"1\0"))] == [b"/local/domain/1\0"]


@pytest.mark.parametrize("seed", range(20))
def test_a_page_outlives_its_server(seed: int) -> None:
    """Servers come and go at any moment; no byte of either direction is lost or doubled."""
    chance = random.Random(seed)
    page = bytearray(PAGE_SIZE)
    ring = Ring(page, server=False)
    store = Store()
    root = store.connect()
    store.receive(root, frame(wire.WRITE, 1, 0, b"/local/domain/1\0"))
    store.receive(root, frame(wire.SET_PERMS, 1, 0, b"/local/domain/1\0n1\0"))
    requests = [frame(wire.WATCH, 0, 0, b"log\0token\0")]
    for number in range(1, 200):
        requests.append(frame(wire.WRITE, number, 0, b"log\0%d" % number + bytes(chance.randrange(400))))
    todo = b"".join(requests)
    parser = Parser()
    answered: list[int] = []
    events = 0
    while todo or len(answered) < 200:
        server = Server(store)
        link = server.add_ring(1, page, lambda: None)
        for _ in range(chance.randrange(1, 20)):
            put = ring.put(todo[: chance.randrange(1, 600)])
            assert put is not None
            todo = todo[put:]
            server.kick(link)
            server.run_once(0)
            if chance.random() < 0.5:
                parser.feed(ring.get() or b"")
        while (message := parser.next()) is not None:
            if message[0] == wire.WATCH_EVENT:
                events += 1
            else:
                assert message[0] != wire.ERROR
                answered.append(message[1])
        server.close()
        store = restore(json.loads(json.dumps(save(store))))
    assert answered == list(range(200))
    assert events
    assert store.core.tree.nodes[b"/local/domain/1/log"].value.startswith(b"199\0"[:3])
