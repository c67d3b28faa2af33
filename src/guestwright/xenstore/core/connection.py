"""The state of one connection.

Theory of operation: what the store has to say to a client collects in `output`, replies and events in their
order. The transport takes it with `take` when it can write and says `Store.delivered` when the last byte is
out. An event that is still in `output` is not queued again (it would tell the client nothing new), so a
client that reads slowly costs memory for different events only.

A guest has a bounded number of requests *outstanding*: the reply, or an event that the request caused for
somebody, has not been delivered. Each such message carries a reference to its `Request`; while too many are
open, the guest's further requests stay in the parser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from guestwright.xenstore.core.domain import Domain
from guestwright.xenstore.core.parser import Parser
from guestwright.xenstore.core.path import canonical
from guestwright.xenstore.core.transaction import Transaction
from guestwright.xenstore.core.watch import Watch
from guestwright.xenstore.core.wire import Result

_REMEMBERED: Final = 128  # bytes of a path that is worth remembering
_SPELLINGS: Final = 4096  # how many

# Core, connection, view (tree or transaction), payload.
Handler = Callable[[Any, Any, Any, bytes], Result]
# By operation: its handler, and whether the transaction id counts.
Table = dict[int, tuple[Handler, bool]]


class Request:
    """A guest's request that is not finished: how many messages it caused are still to be delivered."""

    __slots__ = ("connection", "open")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.open = 1


class Connection:
    """One client: a socket, or a domain's ring.

    Args:
        domain: who the client is.
        table: what it may ask: handler and whether the transaction id counts, by operation.

    Attributes:
        privileged: whether it has all rights and no quotas.
        watches: its watches by absolute path and token.
        transactions: its open transactions by id.
        output: messages waiting to be taken.
        queued: events among them.
        owed: guests' requests that the messages in `output` belong to.
        underway: the same for what was taken and not reported as delivered.
        late: what has to be done when the reply to the present request is queued.
        outstanding: how many of its own requests are not finished.
        backlog: bytes in `output`.
        broken: the client must be disconnected: it broke the protocol or reads nothing.
        label: for whoever owns the connection; unused here.
    """

    __slots__ = (
        "backlog",
        "broken",
        "domain",
        "label",
        "last_transaction",
        "late",
        "output",
        "outstanding",
        "owed",
        "parser",
        "privileged",
        "queued",
        "table",
        "transactions",
        "underway",
        "watches",
    )

    def __init__(self, domain: Domain, table: Table) -> None:
        self.domain = domain
        self.table = table
        self.privileged = domain.privileged
        self.parser = Parser()
        self.watches: dict[tuple[bytes, bytes], Watch] = {}
        self.transactions: dict[int, Transaction] = {}
        self.last_transaction = 0
        self.output: list[bytes] = []
        self.queued: set[bytes] = set()
        self.backlog = 0
        self.owed: list[Request] = []
        self.underway: list[Request] = []
        self.late: Callable[[], object] | None = None
        self.outstanding = 0
        self.broken = False
        self.label: Any = None

    def canonical(self, raw: bytes) -> bytes | None:
        """Absolute form of a path from one of its requests; None when that is not valid."""
        domain = self.domain
        if not self.privileged:
            return canonical(raw, domain.base, domain.limits.path_max)
        spellings = domain.spellings
        path = spellings.get(raw)
        if path is None:
            path = canonical(raw, domain.base, None)
            if path is not None and len(raw) <= _REMEMBERED:
                if len(spellings) >= _SPELLINGS:
                    spellings.clear()
                spellings[raw] = path
        return path

    def take(self) -> bytes:
        """All that waits for the client; the caller then owes a call of `Store.delivered`."""
        output = self.output
        data = output[0] if len(output) == 1 else b"".join(output)
        self.output = []
        if self.queued:
            self.queued.clear()
        if not self.privileged:
            self.domain.memory -= self.backlog
        self.backlog = 0
        if self.owed:
            self.underway += self.owed
            self.owed = []
        return data

    def restart(self) -> None:
        """Forget half-received input, for a ring that starts anew; transactions are numbered on."""
        self.parser = Parser()
        self.broken = False

    @property
    def stalled(self) -> bool:
        """Whether its requests have to wait until something was delivered."""
        return not self.privileged and self.outstanding >= self.domain.limits.outstanding
