"""What all operations work on: tree, watches, domains, and the delivery of events.

Theory of operation: an operation changes the tree and then fires an event for the path it named. The event
goes to every matching watch whose connection may know of it: privileged, or with the right to read the node
or its parent, as they are now or were before a change of permissions (XSA-115). Special events
(`@introduceDomain`, `@releaseDomain`) are guarded by the permissions of hidden nodes.

Events are queued before the reply to the request that caused them, as C xenstored does it; only WATCH
answers first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guestwright.xenstore.core.connection import Connection, Request, Table
from guestwright.xenstore.core.domain import Domain, Host, Phase
from guestwright.xenstore.core.node import Node
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.path import parent
from guestwright.xenstore.core.permissions import MAY_READ, Permissions, parse
from guestwright.xenstore.core.quota import Limits
from guestwright.xenstore.core.tree import Tree
from guestwright.xenstore.core.watch import Watch, WatchIndex
from guestwright.xenstore.core.wire import (
    DOMID_FIRST_RESERVED,
    FEATURE_ANY_DOMAIN,
    FEATURE_WATCH_DEPTH,
    HEADER,
    INTRODUCED,
    PAYLOAD_MAX,
    RELEASED,
    WATCH_EVENT,
    Errno,
)

_PERMISSIONS_KEPT: Final = 256

_pack: Final = HEADER.pack
_EVENT: Final = _pack(WATCH_EVENT, 0, 0, 0)[:4]


class Core:
    """The state of a store.

    Args:
        host: the world outside.
        options: what the store offers.
        guest_table: what guests may ask, see `Connection`.

    Attributes:
        features: bits of GET_FEATURE that the options amount to.
        limits: quotas of domains that have none of their own.
        domains: present domains by id.
        guests: connections of introduced domains.
        specials: hidden nodes that guard the special watches.
        request: the guest's request under way, if any.
        ready: connections with output.
        runnable: connections that may go on with requests that were held back.
        transactions: how many are open.
        administration: grows with whatever may have changed domains, quotas or special watches.
    """

    __slots__ = (
        "_permissions",
        "administration",
        "dom0",
        "domains",
        "features",
        "guest_table",
        "guests",
        "host",
        "limits",
        "options",
        "ready",
        "request",
        "runnable",
        "specials",
        "transactions",
        "tree",
        "watches",
    )

    def __init__(self, host: Host, options: Options, guest_table: Table) -> None:
        self.host = host
        self.options = options
        self.guest_table = guest_table
        self.features = FEATURE_WATCH_DEPTH if options.watch_depth else 0
        self.features |= FEATURE_ANY_DOMAIN if options.any_domain else 0
        self.limits = Limits()
        self.dom0 = Domain(0, self.limits, privileged=True)
        self.dom0.phase = Phase.RUNNING
        self.domains: dict[int, Domain] = {0: self.dom0}
        self.guests: dict[Domain, Connection] = {}
        private = Permissions([(0, 0, self.dom0)], any_domain=options.any_domain)
        self._permissions: dict[bytes, Permissions] = {}
        self.tree = Tree(private)
        self.specials: dict[bytes, Node] = {one: Node(b"", private) for one in (INTRODUCED, RELEASED)}
        for path in (b"/tool", b"/tool/xenstored"):
            self.tree.add(path, Node(b"", private))
        self.watches = WatchIndex()
        self.transactions = 0
        self.administration = 0
        self.request: Request | None = None
        self.ready: dict[Connection, None] = {}
        self.runnable: dict[Connection, None] = {}

    def resolve(self, domid: int) -> Domain | None:
        """The present life of a domain, noted from now on; None when the host does not know it."""
        domain = self.domains.get(domid)
        if domain is None and domid < DOMID_FIRST_RESERVED and self.host.exists(domid):
            self.forget_permissions()
            self.administration += 1
            domain = self.domains[domid] = Domain(domid, self.limits, features=self.features)
        return domain

    def permissions(self, texts: list[bytes]) -> Permissions | Errno:
        """A permission list from a request; lists that were seen lately are shared.

        Not those that name domains which do not exist: they may come into being unnoticed.
        """
        key = b"\0".join(texts)
        known = self._permissions.get(key)
        if known is not None:
            return known
        perms = parse(texts, self.resolve, any_domain=self.options.any_domain)
        if not isinstance(perms, Errno) and all(domain is not None for _, _, domain in perms.entries):
            if len(self._permissions) >= _PERMISSIONS_KEPT:
                self._permissions.clear()
            self._permissions[key] = perms
        return perms

    def forget_permissions(self) -> None:
        """The domains are not what they were; shared lists must be made anew."""
        self._permissions.clear()

    def fire(
        self, path: bytes, perms: Permissions, former: Permissions | None = None, *, exact: bool = False
    ) -> None:
        """Tell all watches on a path and above it.

        Args:
            path: what changed.
            perms: its permissions now, or last if it is gone.
            former: its permissions before, if they changed.
            exact: leave out the watches above it.
        """
        found = self.watches.on(path) if exact else self.watches.at_or_above(path)
        if found:
            self._tell(found, path, perms, former)

    def fire_gone(self, path: bytes, perms: Permissions, *, exact: bool) -> None:
        """Tell of a node that a transaction removed.

        Args:
            path: where it was.
            perms: its permissions before; as in C xenstored its directory's do not count here.
            exact: whether only watches on the path itself are concerned.
        """
        for watch in self.watches.on(path) if exact else self.watches.at_or_above(path):
            holder: Connection = watch.holder
            if holder.privileged or perms.rights(holder.domain) & MAY_READ:
                self.queue_event(holder, path[watch.strip :] + watch.tail)

    def fire_removed(self, removed: Sequence[tuple[bytes, Node]]) -> None:
        """Tell of a removed subtree, children before parents.

        Whether a connection may know of a child is decided as long as its directory still exists.
        """
        by_path = self.watches.by_path
        if not removed or not by_path:
            return
        path, node = removed[-1]
        if len(removed) > 1:
            gone = dict(removed)
            for under, one in removed[:-1]:
                if under in by_path:
                    above = gone[parent(under)].perms
                    self._tell(self.watches.on(under), under, one.perms, above)
        self.fire(path, node.perms)

    def fire_special(self, name: bytes, domid: int) -> None:
        """Tell of a domain that came or went."""
        perms = self.specials[name].perms
        single = b"%s/%d" % (name, domid)
        for watch in (*self.watches.on(name), *self.watches.on(single)):
            holder: Connection = watch.holder
            if holder.privileged or perms.rights(holder.domain) & MAY_READ:
                shown = single if watch.depth == 1 else watch.path
                self.queue_event(holder, shown + watch.tail, unique=False)

    def queue_event(self, connection: Connection, payload: bytes, *, unique: bool = True) -> None:
        """Queue an event unless it is too long or, with `unique`, queued already."""
        if len(payload) > PAYLOAD_MAX:
            return
        message = _pack(WATCH_EVENT, 0, 0, len(payload)) + payload
        if not unique:
            self._append(connection, message)
        elif message not in connection.queued and self._append(connection, message):
            connection.queued.add(message)

    def delivered(self, connection: Connection) -> None:
        """All that was taken from a connection is delivered, or will never be."""
        for request in connection.underway:
            self._finish(request)
        connection.underway.clear()

    def release_others(self, connection: Connection) -> None:
        """Requests of other connections no longer wait for what they caused for this one."""
        for waiting in (connection.owed, connection.underway):
            kept = [request for request in waiting if request.connection is connection]
            if len(kept) < len(waiting):
                for request in waiting:
                    if request.connection is not connection:
                        self._finish(request)
                waiting[:] = kept

    def drop_events(self, connection: Connection) -> None:
        """Forget the events that wait for a client; replies stay."""
        self.release_others(connection)
        kept = [one for one in connection.output if one[:4] != _EVENT]
        size = sum(map(len, kept))
        if not connection.privileged:
            connection.domain.memory -= connection.backlog - size
        connection.output = kept
        connection.backlog = size
        connection.queued.clear()

    def _finish(self, request: Request) -> None:
        """One message less that a request waits for."""
        request.open -= 1
        if not request.open:
            asker = request.connection
            asker.outstanding -= 1
            if not asker.broken and asker.parser.waiting:
                self.runnable[asker] = None

    def _tell(
        self, found: Sequence[Watch], path: bytes, perms: Permissions, former: Permissions | None
    ) -> None:
        for watch in found:
            holder: Connection = watch.holder
            if holder.privileged or self._may_know(holder.domain, path, perms, former):
                self.queue_event(holder, path[watch.strip :] + watch.tail)

    def _may_know(self, domain: Domain, path: bytes, perms: Permissions, former: Permissions | None) -> bool:
        if perms.rights(domain) & MAY_READ or (former is not None and former.rights(domain) & MAY_READ):
            return True
        directory = self.tree.get(parent(path))
        return directory is not None and bool(directory.perms.rights(domain) & MAY_READ)

    def _append(self, connection: Connection, message: bytes) -> bool:
        """Queue an event if its receiver may hold so much."""
        domain = connection.domain
        size = len(message)
        if connection.privileged:
            if connection.backlog + size > self.options.backlog_max:
                connection.broken = True
                self.ready[connection] = None
                return False
        else:
            if domain.memory + size > domain.limits.memory:
                return False  # as C xenstored: who does not read loses events
            domain.memory += size
        connection.backlog += size
        connection.output.append(message)
        self.ready[connection] = None
        request = self.request
        if request is not None:
            request.open += 1
            connection.owed.append(request)
        return True
