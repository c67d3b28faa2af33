"""A server with domains behind pages that hold anything.

Theory of operation: a hostile domain may write any byte of its page at any moment. Each step changes a page
somehow (an index, a field, data, a piece of a packet, a request to be connected anew) and lets the server
look. A page that is no longer served is asked to be served again, or its domain is released and introduced.
The canary is a domain with a page of its own and a privileged client.
"""

from __future__ import annotations

import random
import struct

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.parser import Message, Parser
from guestwright.xenstore.core.ring import PAGE_SIZE, Ring
from guestwright.xenstore.core.wire import frame
from guestwright.xenstore.server.link import Link
from guestwright.xenstore.server.loop import Server
from tests.system.xenstore.fuzz.arena import CANARY, no_hang
from tests.system.xenstore.fuzz.audit import audit
from tests.system.xenstore.fuzz.traffic import Mutator

_WORDS = (0, 1, 2, 1023, 1024, 1025, 2048, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Page:
    """One domain's side of its page."""

    def __init__(self, server: Server, domid: int) -> None:
        self.domid = domid
        self.page = bytearray(PAGE_SIZE)
        self.ring = Ring(self.page, server=False)
        self.link: Link = server.add_ring(domid, self.page, lambda: None, fresh=True)
        self.packet = b""


class Pages:
    """A server whose domains write what they like into their pages.

    Args:
        seed: decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.mutator = Mutator(seed)
        self.server = Server()
        self.faults: list[Exception] = []
        self.server.traffic.on_fault = self.faults.append
        self.root = self.server.store.connect()
        self.pages = [self.begin(one) for one in (1, 2, 3)]
        self.canary = self.begin(CANARY)
        self.parser = Parser()
        self.round = 0
        self.restarts = 0

    def begin(self, domid: int) -> Page:
        """A new domain."""
        for kind, text in ((wire.WRITE, b""), (wire.SET_PERMS, b"n%d\0" % domid)):
            self.tell(kind, b"/local/domain/%d\0" % domid + text)
        return Page(self.server, domid)

    def tell(self, kind: int, payload: bytes) -> bytes:
        """A request of the privileged client; what it receives."""
        store = self.server.store
        assert store.receive(self.root, frame(kind, 7, 0, payload))
        data = self.root.take()
        store.delivered(self.root)
        store.core.ready.pop(self.root, None)
        return data

    def attack(self, states: int) -> None:
        """One batch: states, the canary's conversation, the audit."""
        self.round += 1
        with no_hang():
            for _ in range(states):
                page = self.random.choice(self.pages)
                self._disturb(page)
                self.server.kick(page.link)
                self.server.run_once(0)
            for page in self.pages:
                self._revive(page)
        assert self.faults == []
        self._converse()
        audit(self.server.store, self.root)

    def _disturb(self, page: Page) -> None:
        chance = self.random.random()
        data = page.page
        if chance < 0.7:  # honest, as far as the ring goes
            page.packet = page.packet or self.mutator.packet()
            put = page.ring.put(page.packet)
            page.packet = b"" if put is None else page.packet[put:]
            page.ring.get()
        elif chance < 0.8:
            at = self.random.randrange(2048, 2080, 4)
            word = self.random.choice((*_WORDS, self.random.getrandbits(32)))
            struct.pack_into("=I", data, at, word)
        elif chance < 0.85:
            at = self.random.choice((2048, 2052, 2056, 2060))
            (word,) = struct.unpack_from("=I", data, at)
            struct.pack_into("=I", data, at, (word + self.random.randrange(-1100, 1100)) & 0xFFFFFFFF)
        elif chance < 0.9:
            at = self.random.randrange(0, 2048)
            some = self.random.randbytes(self.random.randrange(1, 64))
            data[at : at + len(some)] = some
        elif chance < 0.95:
            page.ring.ask_restart()
        else:
            self._revive(page)

    def _revive(self, page: Page) -> None:
        """Make it likely that the page is served."""
        page.packet = b""
        self.restarts += 1
        if self.random.random() < 0.5:
            page.ring.ask_restart()
            self.server.kick(page.link)
            self.server.run_once(0)
            return
        self.tell(wire.RELEASE, b"%d\0" % page.domid)
        self.server.run_once(0)
        self.pages[self.pages.index(page)] = self.begin(page.domid)

    def _converse(self) -> None:
        word = b"%d" % self.round
        ok = (wire.WRITE, self.round, 0, b"OK\0")
        assert self._ask(frame(wire.WRITE, self.round, 0, b"k\0" + word)) == [ok]
        assert self._ask(frame(wire.READ, 1, 0, b"k\0")) == [(wire.READ, 1, 0, word)]
        assert self.tell(wire.READ, b"/local/domain/9/k\0") == frame(wire.READ, 7, 0, word)

    def _ask(self, message: bytes) -> list[Message]:
        canary = self.canary
        assert canary.ring.put(message) == len(message)
        self.server.kick(canary.link)
        found = []
        for _ in range(3):
            self.server.run_once(0)
            self.parser.feed(canary.ring.get() or b"")
            while (one := self.parser.next()) is not None:
                found.append(one)
        return found
