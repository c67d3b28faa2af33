"""A xenstore server without its transport.

Theory of operation: the owner (an event loop, a test) opens connections, hands `receive` the bytes that
arrive, and sends what `take` of the connections in `ready()` gives. `receive` handles every whole message
at once, in order; operations are two tables, one for privileged clients and one for guests, so that
deciding what a client may ask is one lookup.

Which error wins, as in C xenstored: unknown operation (ENOSYS), not allowed to this client (EACCES),
unknown transaction (ENOENT), then the arguments.
"""

from __future__ import annotations

from typing import Final

from guestwright.xenstore.core import on_control, on_domains, on_nodes, on_watches, wire
from guestwright.xenstore.core.connection import Connection, Handler, Request, Table
from guestwright.xenstore.core.domain import AnyDomain, Event, Host
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.quota import UNLIMITED
from guestwright.xenstore.core.state import Core
from guestwright.xenstore.core.transaction import Transaction
from guestwright.xenstore.core.tree import Tree
from guestwright.xenstore.core.wire import ERROR, HEADER, HEADER_SIZE, PAYLOAD_MAX, Errno, Result

_pack: Final = HEADER.pack
_unpack: Final = HEADER.unpack_from
_ERRORS: Final[dict[bytes | Errno, bytes]] = {one: one.value.encode("ascii") + b"\0" for one in Errno}

# Operation -> handler, whether the transaction id counts, whether only privileged clients may ask.
OPERATIONS: Final[dict[int, tuple[Handler, bool, bool]]] = {
    wire.CONTROL: (on_control.control, True, True),
    wire.DIRECTORY: (on_nodes.directory, True, False),
    wire.READ: (on_nodes.read, True, False),
    wire.GET_PERMS: (on_nodes.get_perms, True, False),
    wire.WATCH: (on_watches.watch, False, False),
    wire.UNWATCH: (on_watches.unwatch, False, False),
    wire.TRANSACTION_START: (on_watches.transaction_start, True, False),
    wire.TRANSACTION_END: (on_watches.transaction_end, True, False),
    wire.INTRODUCE: (on_domains.introduce, True, True),
    wire.RELEASE: (on_domains.release, True, True),
    wire.GET_DOMAIN_PATH: (on_domains.get_domain_path, True, False),
    wire.WRITE: (on_nodes.write, True, False),
    wire.MKDIR: (on_nodes.mkdir, True, False),
    wire.RM: (on_nodes.rm, True, False),
    wire.SET_PERMS: (on_nodes.set_perms, True, False),
    wire.IS_DOMAIN_INTRODUCED: (on_domains.is_domain_introduced, True, True),
    wire.RESUME: (on_domains.resume, True, True),
    wire.SET_TARGET: (on_domains.set_target, True, True),
    wire.RESET_WATCHES: (on_watches.reset_watches, True, False),
    wire.DIRECTORY_PART: (on_nodes.directory_part, True, False),
    wire.GET_FEATURE: (on_domains.get_feature, True, False),
    wire.SET_FEATURE: (on_domains.set_feature, True, True),
    wire.GET_QUOTA: (on_domains.get_quota, True, True),
    wire.SET_QUOTA: (on_domains.set_quota, True, True),
}

_OPTIONAL: Final = {
    wire.DIRECTORY_PART: "directory_part",
    wire.GET_FEATURE: "features",
    wire.SET_FEATURE: "features",
    wire.GET_QUOTA: "quotas",
    wire.SET_QUOTA: "quotas",
}


class Store:
    """A store and its connections.

    Args:
        host: the world outside; by default every domain exists.
        options: what the store offers; by default what Xen 4.17 does.

    Attributes:
        core: the state; to be looked at, not to be changed.
    """

    __slots__ = ("_privileged_table", "core")

    def __init__(self, host: Host | None = None, options: Options | None = None) -> None:
        options = options or Options()
        self._privileged_table: Table = {}
        guest_table: Table = {}
        for kind, (handler, transactional, privileged) in OPERATIONS.items():
            if kind not in _OPTIONAL or getattr(options, _OPTIONAL[kind]):
                noted = _NOTED.get(kind, handler)
                self._privileged_table[kind] = (noted, transactional)
                guest_table[kind] = (_denied, False) if privileged else (noted, transactional)
        self.core = Core(host or AnyDomain(), options, guest_table)

    def connect(self) -> Connection:
        """A new privileged connection, such as a client of the server's socket."""
        return Connection(self.core.dom0, self._privileged_table)

    def guest(self, domid: int) -> Connection | None:
        """The connection of an introduced domain; None when there is none."""
        domain = self.core.domains.get(domid)
        return None if domain is None else self.core.guests.get(domain)

    def introduce(self, domid: int) -> Connection | None:
        """Take in a domain that its owner connects itself, as INTRODUCE does for one with a ring.

        A domain that is there already loses its watches, its transactions and what was half received.

        Args:
            domid: its number; must be valid for a guest.

        Returns:
            Its connection; None when the host does not know it or it is the store's own domain.
        """
        domain = self.core.resolve(domid)
        if domain is None or domain.privileged:
            return None
        self.core.administration += 1
        return on_domains.connect(self.core, domain)

    def lagging(self, connection: Connection) -> None:
        """Somebody's channel is full: what others caused for it no longer counts as theirs to wait for."""
        self.core.release_others(connection)

    def drop_events(self, connection: Connection) -> None:
        """Forget the events that wait for a client; replies stay."""
        self.core.drop_events(connection)

    def close(self, connection: Connection) -> None:
        """A privileged client has gone: forget all that was its own."""
        on_watches.drop_all(self.core, connection)
        connection.broken = True
        connection.take()
        self.core.delivered(connection)
        self.core.ready.pop(connection, None)
        self.core.runnable.pop(connection, None)

    def receive(self, connection: Connection, data: bytes, limit: int = UNLIMITED) -> bool:
        """Take bytes from a client and handle the messages that they complete.

        Args:
            connection: where they came from.
            data: any piece of the stream; empty to go on with what was held back.
            limit: messages to handle at most; a connection that used them up becomes `runnable`.

        Returns:
            Whether the connection may stay; if not, send what it has and `close` it.
        """
        parser = connection.parser
        if data:
            parser.feed(data)
        handle = self._handle if connection.privileged else self._handle_guest
        while not connection.broken:
            if limit <= 0:
                self.core.runnable[connection] = None
                break
            if connection.outstanding and connection.stalled:
                break
            message = parser.next()
            if message is None:
                break
            handle(connection, *message)
            limit -= 1
        if parser.error is not None and not connection.broken:
            connection.broken = True
            on_watches.drop_all(self.core, connection)
        return not connection.broken

    def ready(self) -> list[Connection]:
        """Connections that have got output since the last call."""
        found = list(self.core.ready)
        self.core.ready.clear()
        return found

    def delivered(self, connection: Connection) -> None:
        """All that was taken from a connection has reached its client."""
        if connection.underway:
            self.core.delivered(connection)

    def runnable(self) -> list[Connection]:
        """Guests with requests that were held back and may go on: call `receive` with no data for each."""
        runnable = list(self.core.runnable)
        self.core.runnable.clear()
        return runnable

    def domain_shutdown(self, domid: int) -> None:
        """The hypervisor says that a domain shut down or crashed."""
        self._happened(domid, Event.SHUTDOWN)

    def domain_destroyed(self, domid: int) -> None:
        """The hypervisor says that a domain is no more."""
        self._happened(domid, Event.DESTROY)

    def _happened(self, domid: int, event: Event) -> None:
        domain = self.core.domains.get(domid)
        if domain is not None and not domain.privileged:
            self.core.administration += 1
            on_domains.advance(self.core, domain, event)

    def answer(self, connection: Connection, data: bytes) -> bytes | None:
        """A short cut for the usual case: one request or a piece of it, and nothing comes of it but a reply.

        Args:
            connection: where the data came from.
            data: what was received; not empty.

        Returns:
            The reply, to be sent at once; nothing else has to be done. Empty: the data was handled, and what
            there is to send is in `ready`. None: the data was not touched, and `receive` has to be called.
        """
        parser = connection.parser
        if not connection.privileged or connection.broken:
            return None
        whole = parser.rest + data if parser.waiting else data
        size = len(whole)
        if size < HEADER_SIZE:
            parser.feed(data)
            return b""
        kind, request_id, transaction_id, length = _unpack(whole)
        if length + HEADER_SIZE != size or length > PAYLOAD_MAX:
            if length + HEADER_SIZE < size or length > PAYLOAD_MAX:
                return None
            parser.feed(data)
            return b""
        if whole is not data:
            parser.clear()
        reply = self._execute(connection, kind, request_id, transaction_id, whole[HEADER_SIZE:])
        if connection.late is None and not connection.output:
            return reply
        self._reply(connection, reply)
        return b""

    def _handle(
        self, connection: Connection, kind: int, request_id: int, transaction_id: int, payload: bytes
    ) -> None:
        self._reply(connection, self._execute(connection, kind, request_id, transaction_id, payload))

    def _execute(
        self, connection: Connection, kind: int, request_id: int, transaction_id: int, payload: bytes
    ) -> bytes:
        """The reply to a request, whole."""
        core = self.core
        operation = connection.table.get(kind)
        result: Result
        if operation is None:
            result = Errno.ENOSYS
        elif transaction_id and operation[1]:
            result = self._handle_inside(connection, operation[0], transaction_id, payload)
        else:
            result = operation[0](core, connection, core.tree, payload)
        if result.__class__ is bytes:
            return _pack(kind, request_id, transaction_id, len(result)) + result
        text = _ERRORS[result]
        return _pack(ERROR, request_id, transaction_id, len(text)) + text

    def _reply(self, connection: Connection, reply: bytes) -> None:
        """Queue a reply, and do what had to wait for that."""
        connection.output.append(reply)
        connection.backlog += len(reply)
        if not connection.privileged:
            connection.domain.memory += len(reply)
        self.core.ready[connection] = None
        late = connection.late
        if late is not None:
            connection.late = None
            late()

    def _handle_inside(
        self, connection: Connection, handler: Handler, transaction_id: int, payload: bytes
    ) -> Result:
        transaction = connection.transactions.get(transaction_id)
        if transaction is None:
            return Errno.ENOENT
        domain = connection.domain
        if not domain.privileged and domain.memory > domain.limits.memory and payload not in {b"T\0", b"F\0"}:
            transaction.failed = True
            return Errno.ENOMEM
        result = handler(self.core, connection, transaction, payload)
        if transaction.overflow:
            transaction.overflow = False
            return Errno.ENOSPC
        return result

    def _handle_guest(
        self, connection: Connection, kind: int, request_id: int, transaction_id: int, payload: bytes
    ) -> None:
        core = self.core
        request = core.request = Request(connection)
        connection.outstanding += 1
        self._handle(connection, kind, request_id, transaction_id, payload)
        core.request = None
        connection.owed.append(request)


def _administrative(handler: Handler) -> Handler:
    """The handler of an operation that changes what is not in the tree."""

    def handle(core: Core, connection: Connection, view: Tree | Transaction, payload: bytes) -> Result:
        core.administration += 1
        return handler(core, connection, view, payload)

    return handle


def _set_perms(core: Core, connection: Connection, view: Tree | Transaction, payload: bytes) -> Result:
    """SET_PERMS; that of special watches is not in the tree."""
    if payload[:1] == b"@":
        core.administration += 1
    return on_nodes.set_perms(core, connection, view, payload)


def _denied(core: Core, connection: Connection, view: Tree | Transaction, payload: bytes) -> Result:
    """What guests may not ask."""
    del core, connection, view, payload
    return Errno.EACCES


# Those of `OPERATIONS` that have to be noted for whoever keeps a journal.
_NOTED: Final[dict[int, Handler]] = {
    wire.SET_PERMS: _set_perms,
    **{
        kind: _administrative(OPERATIONS[kind][0])
        for kind in (
            wire.CONTROL,
            wire.INTRODUCE,
            wire.RELEASE,
            wire.RESUME,
            wire.SET_TARGET,
            wire.SET_FEATURE,
            wire.SET_QUOTA,
        )
    },
}
