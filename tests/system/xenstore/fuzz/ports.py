"""A server with domains behind sockets that send anything, do not read, or leave.

The canary is a domain on a socket of its own and a privileged client.
"""

from __future__ import annotations

import random
import socket

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.parser import Message, Parser
from guestwright.xenstore.core.wire import frame
from guestwright.xenstore.server.loop import Server
from tests.system.xenstore.fuzz.arena import CANARY, no_hang
from tests.system.xenstore.fuzz.audit import audit
from tests.system.xenstore.fuzz.traffic import Mutator


class Port:
    """The far end of one connection."""

    def __init__(self, server: Server, domid: int | None = None) -> None:
        self.domid = domid
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        server.add(theirs, domid=domid)
        self.parser = Parser()
        self.reads = True

    def receive(self) -> list[Message] | None:
        """What has arrived; None when the server has hung up."""
        found = []
        try:
            while data := self.socket.recv(1 << 16):
                self.parser.feed(data)
                while (one := self.parser.next()) is not None:
                    found.append(one)
        except BlockingIOError:
            return found
        except ConnectionResetError:
            pass
        return None


class Ports:
    """A server whose domains send what they like.

    Args:
        seed: decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.mutator = Mutator(seed)
        self.now = 0.0  # seconds; limits that go by a clock are met by chance, but the same chance each time
        self.server = Server(clock=lambda: self.now)
        self.faults: list[Exception] = []
        self.server.traffic.on_fault = self.faults.append
        self.root = Port(self.server)
        for domid in (1, 2, 3, CANARY):
            home = b"/local/domain/%d\0" % domid
            self.ask(self.root, wire.WRITE, home)
            self.ask(self.root, wire.SET_PERMS, home + b"n%d\0" % domid)
        self.ports = [Port(self.server, one) for one in (1, 2, 3)]
        self.canary = Port(self.server, CANARY)
        self.round = self.replies = self.left = 0

    def ask(self, port: Port, kind: int, payload: bytes) -> list[Message]:
        """A request, and what comes of it."""
        port.socket.send(frame(kind, 7, 0, payload))
        found: list[Message] = []
        for _ in range(10):
            self.server.run_once(0)
            found += port.receive() or []
            if found and found[-1][0] != wire.WATCH_EVENT:
                return found
        raise AssertionError("no answer")

    def attack(self, packets: int) -> None:
        """One batch: packets, the canary's conversation, the audit."""
        self.round += 1
        with no_hang():
            for _ in range(packets):
                self.now += 0.05
                self._disturb(self.random.randrange(len(self.ports)))
                self.server.run_once(0)
            for port in self.ports:
                port.reads = True
        assert self.faults == []
        word = b"%d" % self.round
        assert self.ask(self.canary, wire.WRITE, b"k\0" + word) == [(wire.WRITE, 7, 0, b"OK\0")]
        assert self.ask(self.root, wire.READ, b"/local/domain/9/k\0") == [(wire.READ, 7, 0, word)]
        store = self.server.store
        audit(store, *[one.connection for one in self.server.traffic.links.values() if not one.guest])

    def _disturb(self, at: int) -> None:
        port = self.ports[at]
        chance = self.random.random()
        if chance < 0.01:
            port.reads = not port.reads
        elif chance < 0.015:
            self._leave(at)
            return
        try:
            port.socket.send(self.mutator.packet())
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            port.reads = True
        if port.reads:
            got = port.receive()
            if got is None:
                self._leave(at)
            else:
                self.replies += len(got)

    def _leave(self, at: int) -> None:
        """The channel ends, wherever it is in a message; the domain comes back by another one."""
        self.left += 1
        self.ports[at].socket.close()
        self.ports[at] = Port(self.server, self.ports[at].domid)

    def close(self) -> None:
        """End."""
        self.server.close()
        for one in (self.root, self.canary, *self.ports):
            one.socket.close()
