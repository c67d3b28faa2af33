"""Our store, with the same face as the real one."""

from __future__ import annotations

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.wire import Errno
from tests.support.real_xenstored import Message, Peer


class FakeHost:
    """Knows the domains that it was told of; attaching to a ring always works."""

    def __init__(self) -> None:
        self.alive: set[int] = set()

    def exists(self, domid: int) -> bool:
        return domid in self.alive

    def attach(self, domid: int, gfn: int, port: int) -> Errno | None:
        return None

    def detach(self, domid: int) -> None:
        pass


class OurStore:
    """A new store of ours with its clients. Names are text for sockets, numbers for domains."""

    def __init__(self) -> None:
        self.host = FakeHost()
        self.store = Store(self.host, Options())
        self.peers: dict[str | int, Peer] = {}
        self.connections: dict[str | int, Connection] = {}

    def connect(self, name: str) -> None:
        """Open a socket."""
        connection = self.store.connect()
        connection.label = name
        self.connections[name] = connection
        self.peers[name] = Peer()

    def disconnect(self, name: str | int) -> None:
        """Close a socket, or forget a domain's ring."""
        connection = self.connections.pop(name)
        if isinstance(name, str):
            self.store.close(connection)
        del self.peers[name]

    def request(self, name: str | int, message: bytes, request_id: int) -> Message | None:
        """Send a message; the reply, or None when the connection ended instead.

        Every other request goes by the short cut, which must make no difference.
        """
        connection, peer = self.connections[name], self.peers[name]
        stays = True
        answer = self.store.answer(connection, message) if request_id & 1 else None
        if answer is None:
            stays = self.store.receive(connection, message)
        else:
            peer.feed(answer)
        self.deliver()
        reply = peer.reply(request_id)
        if reply is None:
            assert not stays
            peer.closed = True
        return reply

    def deliver(self) -> None:
        """Bring everything to its client, and let guests go on that were held back."""
        store = self.store
        while ready := store.ready():
            for connection in ready:
                self.peers[connection.label].feed(connection.take())
                store.delivered(connection)
            for connection in store.runnable():
                store.receive(connection, b"")

    def introduced(self, domid: int) -> bool:
        """Whether the domain talks to the store; gives it a peer if it is new."""
        connection = self.store.guest(domid)
        if connection is None:
            return False
        if self.connections.get(domid) is not connection:
            connection.label = domid
            self.connections[domid] = connection
            self.peers[domid] = Peer()
        return True
