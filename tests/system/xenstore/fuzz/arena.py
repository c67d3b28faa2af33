"""A store, hostile clients that send packets, and a canary that must not notice.

Theory of operation: attackers are guests, who must not be able to do any harm, or privileged clients, who may
do what they like to the tree and must not be able to break the program. Now and then an attacker stops
reading. A timer of processor time stands behind every batch: a packet that does not end fails the test. The
canary, two privileged clients and a guest of their own, has a conversation between batches whose every byte
is known.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import frame
from tests.system.xenstore.fuzz.audit import audit
from tests.system.xenstore.fuzz.traffic import Mutator, cut

HUNG = 10.0  # seconds of processor time for one batch
NEWEST = Options(
    features=True, quotas=True, watch_depth=True, any_domain=True, snapshot=True, backlog_max=1 << 20
)
CANARY = 9


class Arena:
    """A store under attack.

    Args:
        seed: decides everything.
        privileged: whether attackers are.
        options: of the store.
    """

    def __init__(self, seed: int, *, privileged: bool, options: Options) -> None:
        self.random = random.Random(seed)
        self.mutator = Mutator(seed)
        self.privileged = privileged
        self.store = Store(None, options)
        self.root = self.store.connect()
        self.reader = self.store.connect()
        self.ask(self.root, wire.WRITE, b"/s\0")
        self.ask(self.root, wire.SET_PERMS, b"/s\0b0\0")
        self.guests: dict[int, Connection] = {one: self.introduce(one) for one in (1, 2, 3, CANARY)}
        self.ask(self.root, wire.SET_TARGET, b"3\0001\0")
        self.ask(self.reader, wire.WATCH, b"/local/domain/9\0canary\0")
        self.sockets = [self.store.connect() for _ in range(3)] if privileged else []
        self.silent: set[Connection] = set()
        self.round = 0
        self.replies = 0

    def ask(self, connection: Connection, kind: int, payload: bytes, transaction: int = 0) -> bytes:
        """One request of a client that behaves; all that it receives, to the reply's end."""
        assert self.store.receive(connection, frame(kind, 7, transaction, payload))
        data = connection.take()
        self.store.delivered(connection)
        return data

    def introduce(self, domid: int) -> Connection:
        """Take in a guest, as a toolstack does."""
        home = b"/local/domain/%d\0" % domid
        for kind, payload in (
            (wire.WRITE, home),
            (wire.SET_PERMS, home + b"n%d\0" % domid),
            (wire.INTRODUCE, b"%d\x001\x002\0" % domid),
        ):
            self.ask(self.root, kind, payload)
        connection = self.store.guest(domid)
        assert connection is not None
        return connection

    def attack(self, packets: int) -> None:
        """One batch: packets from one attacker each, delivery, the canary's conversation, the audit."""
        self.round += 1
        with no_hang():
            for number in range(packets):
                self._send(self.mutator.packet())
                self._deliver()
                if number % 200 == 199:
                    self._wake()
        if not self.privileged:
            self.converse()
        audit(self.store, self.root, self.reader, *self.sockets)
        for one in self.store.core.domains.values():
            if not one.privileged and not self.privileged:
                assert one.memory < one.limits.memory + 16_384
                assert len(one.owned) <= one.limits.nodes
                assert one.watches <= one.limits.watches + 1

    def converse(self) -> None:
        """The canary's: right answers, right events, nothing else."""
        word = b"%d" % self.round
        guest = self.guests[CANARY]
        ok = frame(wire.WRITE, 7, 0, b"OK\0")
        event = frame(wire.WATCH_EVENT, 0, 0, b"/local/domain/9/k\0canary\0")
        seen = (wire.READ, b"/local/domain/9/k\0")
        assert self.ask(guest, wire.WRITE, b"k\0" + word) == ok
        assert self.ask(self.reader, *seen) == event + frame(wire.READ, 7, 0, word)
        begun = self.ask(guest, wire.TRANSACTION_START, b"\0")
        one = int(begun[16:-1])
        assert self.ask(guest, wire.READ, b"k\0", one) == frame(wire.READ, 7, one, word)
        assert self.ask(guest, wire.WRITE, b"k\0more", one) == frame(wire.WRITE, 7, one, b"OK\0")
        done = frame(wire.TRANSACTION_END, 7, one, b"OK\0")
        assert self.ask(guest, wire.TRANSACTION_END, b"T\0", one) == done
        assert self.ask(self.reader, *seen) == event + frame(wire.READ, 7, 0, b"more")

    def clean(self) -> None:
        """Attackers go, and what they made goes too."""
        for domid in (1, 2, 3):
            self.ask(self.root, wire.RELEASE, b"%d\0" % domid)
        for client in self.sockets:
            self.store.close(client)
        for one in list(self.store.core.tree.nodes[b"/"].children):
            self.ask(self.root, wire.RM, b"/" + one + b"\0")
        self.silent.clear()
        self.ask(self.root, wire.WRITE, b"/s\0")
        self.ask(self.root, wire.SET_PERMS, b"/s\0b0\0")
        self.ask(self.root, wire.SET_PERMS, b"/\0n0\0")
        self.guests = {one: self.introduce(one) for one in (1, 2, 3, CANARY)}
        self.sockets = [self.store.connect() for _ in self.sockets]
        self.ask(self.root, wire.GET_DOMAIN_PATH, b"1\0")
        self.ask(self.reader, wire.GET_DOMAIN_PATH, b"1\0")

    def _send(self, packet: bytes) -> None:
        chance = self.random.random
        connection: Connection | None
        if self.privileged and chance() < 0.8:
            at = int(chance() * len(self.sockets))
            connection = self.sockets[at]
        else:
            connection = self.store.guest(1 + int(chance() * 3))
        if connection is None:
            return
        if chance() < 0.002:
            self.silent.add(connection)
        stays = True
        for piece in cut(packet, self.random):
            # What a server would not read yet is not there yet.
            if stays and connection.parser.room > len(piece):
                if chance() < 0.5 and self._in_short(connection, piece):
                    continue
                stays = self.store.receive(connection, piece)
        if not stays:
            self._replace(connection)

    def _in_short(self, connection: Connection, piece: bytes) -> bool:
        """Try the way that servers take for single requests."""
        reply = self.store.answer(connection, piece)
        self.replies += bool(reply)
        return reply is not None

    def _replace(self, connection: Connection) -> None:
        """A client has been thrown out; another one comes."""
        self.silent.discard(connection)
        if connection in self.sockets:
            self.store.close(connection)
            self.sockets[self.sockets.index(connection)] = self.store.connect()
        elif self.store.guest(connection.domain.domid) is connection:
            self.ask(self.root, wire.INTRODUCE, b"%d\x001\x002\0" % connection.domain.domid)

    def _deliver(self) -> None:
        store = self.store
        while ready := store.ready():
            for connection in ready:
                if connection in self.silent or connection is self.reader:
                    continue
                if connection.broken and connection.privileged:
                    if connection in self.sockets:
                        self._replace(connection)
                    continue
                connection.take()
                self.replies += 1
                store.delivered(connection)
            for connection in store.runnable():
                if not store.receive(connection, b""):
                    self._replace(connection)

    def _wake(self) -> None:
        """Those who did not read catch up."""
        for connection in list(self.silent):
            connection.take()
            self.store.delivered(connection)
        self.silent.clear()
        for connection in self.store.core.guests.values():
            if not self.store.receive(connection, b""):
                self._replace(connection)
                break
        self._deliver()


@contextmanager
def no_hang() -> Iterator[None]:
    """Fail when the processor is busy with the same batch for too long."""

    def hung(*_: object) -> None:
        raise AssertionError(f"a batch took more than {HUNG} s of processor time")

    former = signal.signal(signal.SIGVTALRM, hung)
    signal.setitimer(signal.ITIMER_VIRTUAL, HUNG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)
