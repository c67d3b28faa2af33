"""A store with connections that tests talk to in one line, and what they got back."""

from __future__ import annotations

from guestwright.xenstore.core import requests
from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.domain import Host
from guestwright.xenstore.core.on_control import faults
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.parser import Message, Parser
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import ERROR, WATCH_EVENT, Errno, frame


class FakeHost:
    """Domains 0 to 9 exist; attaching can be made to fail."""

    def __init__(self) -> None:
        self.alive = set(range(10))
        self.error: Errno | None = None
        self.calls: list[tuple[str, int]] = []

    def exists(self, domid: int) -> bool:
        return domid in self.alive

    def attach(self, domid: int, gfn: int, port: int) -> Errno | None:
        self.calls.append(("attach", domid))
        return self.error

    def detach(self, domid: int) -> None:
        self.calls.append(("detach", domid))


class Client:
    """One end of a connection; sorts what arrives into replies and events."""

    def __init__(self, world: World, connection: Connection) -> None:
        self.world = world
        self.connection = connection
        self.parser = Parser()
        self.events: list[bytes] = []
        self.messages: list[Message] = []

    def raw(self, kind: int, payload: bytes, transaction: int = 0) -> bytes | Errno:
        """Send bytes; the payload of the reply, or the error."""
        self.messages = []
        assert self.world.store.receive(self.connection, frame(kind, 7, transaction, payload))
        self.world.deliver()
        replies = [one for one in self.messages if one[0] != WATCH_EVENT]
        assert len(replies) == 1
        found, request_id, transaction_id, answer = replies[0]
        assert (request_id, transaction_id) == (7, transaction)
        assert found in {kind, ERROR}
        return Errno(answer[:-1].decode()) if found == ERROR else answer

    def ask(self, request: requests.Request, transaction: int = 0) -> bytes | Errno:
        """Send a request; the payload of the reply, or the error."""
        return self.raw(request.kind, request.payload(), transaction)

    def begin(self) -> int:
        """A new transaction."""
        answer = self.ask(requests.TransactionStart())
        assert isinstance(answer, bytes)
        return int(answer[:-1])

    def commit(self, transaction: int) -> bytes | Errno:
        """Commit a transaction."""
        return self.ask(requests.TransactionEnd(commit=True), transaction)

    def heard(self) -> list[bytes]:
        """Events since the last call, each as path and token with a blank between."""
        events, self.events = self.events, []
        return [one[:-1].replace(b"\0", b" ") for one in events]


class World:
    """A store, its clients, and delivery between them.

    Args:
        guests: domains to introduce, each with a directory of its own.
        host: the world outside.
        options: of the store.
    """

    def __init__(self, *guests: int, host: Host | None = None, options: Options | None = None) -> None:
        self.host = host or FakeHost()
        self.store = Store(self.host, options)
        self.clients: list[Client] = []
        self.root = self.connect()
        self.guests = {one: self.introduce(one) for one in guests}

    def connect(self) -> Client:
        """A privileged client."""
        client = Client(self, self.store.connect())
        self.clients.append(client)
        return client

    def introduce(self, domid: int) -> Client:
        """A guest, with its directory made as a toolstack does it."""
        home = b"/local/domain/%d" % domid
        assert self.root.ask(requests.Write(home, b"")) == b"OK\0"
        assert self.root.ask(requests.SetPerms(home, (b"n%d" % domid,))) == b"OK\0"
        assert self.root.ask(requests.Introduce(domid, 1, 2)) == b"OK\0"
        connection = self.store.guest(domid)
        assert connection is not None
        client = Client(self, connection)
        self.clients.append(client)
        return client

    def deliver(self) -> None:
        """Bring everything to its client, and let guests go on that were held back."""
        while ready := self.store.ready():
            for connection in ready:
                for client in self.clients:
                    if client.connection is connection:
                        client.parser.feed(connection.take())
                        self.store.delivered(connection)
                        while (message := client.parser.next()) is not None:
                            client.messages.append(message)
                            if message[0] == WATCH_EVENT:
                                client.events.append(message[3])
            for connection in self.store.runnable():
                self.store.receive(connection, b"")

    def tree(self) -> dict[bytes, bytes]:
        """All nodes and their values; checks the state on the way."""
        assert faults(self.store.core) == []
        return {path: node.value for path, node in self.store.core.tree.nodes.items()}
