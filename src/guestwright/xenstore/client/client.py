"""The synchronous client.

    with Client() as store:
        store.write("data/ready", "1")
        for event in store.watch("control/shutdown"):
            ...

Theory of operation: `operations` says what to ask, `Connection` knows how to wait. A client may be used by
several threads at once, and by asyncio at the same time (`aio.AsyncClient(client.connection)`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, Self, TypeVar

from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.connection import PATIENCE, Connection
from guestwright.xenstore.client.errors import Closed
from guestwright.xenstore.client.transaction import ATTEMPTS, Transaction, pause
from guestwright.xenstore.client.transport import Opener, open_transport
from guestwright.xenstore.client.tree import Tree
from guestwright.xenstore.client.watch import Watch
from guestwright.xenstore.core import requests

T = TypeVar("T")

TIMEOUT: Final = 30.0  # seconds


class Client(Tree):
    """A client of one server.

    Args:
        address: socket or device; None for XENSTORED_PATH and the usual places.
        timeout: for each operation, seconds; None to wait for ever.
        patience: how long to try to connect again when the connection is lost, seconds; 0 for not at all.
        connection: one that is there already, in place of `address` and `patience`; it stays open.
        opener: how to connect, for other ways than sockets and devices.

    Raises:
        NoServer: nothing answers.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout: float | None = TIMEOUT,
        patience: float = PATIENCE,
        connection: Connection | None = None,
        opener: Opener = open_transport,
    ) -> None:
        self._owner = connection is None
        super().__init__(connection or Connection(address, patience=patience, opener=opener), timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, if this client opened it; threads that wait get `Closed`."""
        if self._owner:
            self.connection.close()

    def within(self, seconds: float | None) -> Client:
        """The same client with another timeout: `store.within(0.5).read(path)`."""
        return Client(timeout=seconds, connection=self.connection)

    def reset(self) -> None:
        """Drop all watches and transactions of this connection; iterators of watches end with `Closed`.

        On a device, of this connection only: RESET_WATCHES would drop the kernel's own watches as well.
        """
        if self.connection.through_kernel:
            with self.connection.lock:
                self.connection.session.forget_watches(Closed())
                self.connection.renew()
            return
        self.run(ops.simple(requests.ResetWatches()))
        with self.connection.lock:
            self.connection.session.forget_watches(Closed())

    def watch(self, path: str, *more: str, depth: int | None = None) -> Watch:
        """Watch paths and all below them; see `Watch`.

        Args:
            path: a node, which need not exist, or `@introduceDomain`, `@releaseDomain`.
            more: others.
            depth: how many levels below count; only with servers of Xen 4.22.
        """
        return Watch(self, (path, *more), depth)

    def wait_until(
        self, path: str, accept: Callable[[bytes | None], bool], timeout: float | None = None
    ) -> bytes | None:
        """Wait until the value of a node is what one waits for, and return it.

        Args:
            path: of the node, which need not exist.
            accept: gets the value, None without the node.
            timeout: seconds in all; None to wait for ever.

        Raises:
            TimedOut: it did not come.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.watch(path) as watch:
            while True:
                value = self.get(path)
                if accept(value):
                    return value
                watch.get(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def transaction(self) -> Transaction:
        """All or nothing: `with store.transaction() as t: ...` commits at the end of the block.

        An exception aborts. `Conflict` is raised at the end of the block when others changed what was read;
        `attempts` tries again by itself.
        """
        return Transaction(self)

    def attempts(self, most: int = ATTEMPTS) -> Iterator[Transaction]:
        """A transaction that is tried again when others interfere.

            for attempt in store.attempts():
                with attempt as t:
                    t.write("counter", str(int(t.read("counter")) + 1))

        Args:
            most: how often; the last `Conflict` is raised.
        """
        for count in range(1, most + 1):
            transaction = Transaction(self, attempt=count, most=most)
            yield transaction
            if not transaction.conflicted:
                return
            time.sleep(pause(count))

    def transact(self, work: Callable[[Tree], T], most: int = ATTEMPTS) -> T:
        """Run a function in a transaction, again if others interfere; what it returned at last."""
        for attempt in self.attempts(most):
            with attempt as inside:
                result = work(inside)
        return result
