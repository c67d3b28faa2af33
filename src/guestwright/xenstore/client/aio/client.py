"""The client for asyncio, over the same connection as the synchronous one.

    async with AsyncClient() as store:
        await store.write("data/ready", "1")
        async with store.watch("control/shutdown") as events:
            async for event in events:
                ...

Theory of operation: the running loop watches the connection's descriptor and takes turns
(`Connection.turn`) when there is something to do; awaiting is done on futures that settled requests resolve.
Cancelling a task abandons its request: a transaction that was being started is aborted, a watch removed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self, TypeVar

from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.aio.link import Link
from guestwright.xenstore.client.aio.transaction import AsyncTransaction
from guestwright.xenstore.client.aio.tree import AsyncTree
from guestwright.xenstore.client.aio.watch import AsyncWatch
from guestwright.xenstore.client.client import TIMEOUT
from guestwright.xenstore.client.connection import BUSY, PATIENCE, Connection
from guestwright.xenstore.client.errors import Closed, NoServer, TimedOut
from guestwright.xenstore.client.transaction import ATTEMPTS, pause
from guestwright.xenstore.client.transport import Opener, open_transport
from guestwright.xenstore.core import requests

T = TypeVar("T")


class AsyncClient(AsyncTree):
    """A client for the running event loop; use it in `async with`.

    Args:
        address: socket or device; None for XENSTORED_PATH and the usual places.
        timeout: for each operation, seconds; None to wait for ever.
        patience: how long to try to connect again when the connection is lost, seconds; 0 for not at all.
        connection: one that is there already, such as a synchronous client's; it stays open afterwards.
        opener: how to connect, for other ways than sockets and devices.
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
        super().__init__(timeout)
        self._address = address
        self._patience = patience
        self._opener = opener
        self._given = connection
        self._link: Link | None = None

    async def __aenter__(self) -> Self:
        self._link = Link(self._given or await self._connect())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the loop and, if this client opened the connection, end it; tasks that wait get `Closed`."""
        if self._link is not None:
            self._link.close()
            if self._given is None:
                self._link.connection.close()

    @property
    def link(self) -> Link:
        """The connection, for this loop."""
        if self._link is None:
            raise Closed
        return self._link

    @property
    def connection(self) -> Connection:
        """The connection, once it is open."""
        return self.link.connection

    def within(self, seconds: float | None) -> AsyncClient:
        """The same client with another timeout: `await store.within(0.5).read(path)`."""
        other = AsyncClient(timeout=seconds, connection=self.connection)
        other._link = self.link
        return other

    async def reset(self) -> None:
        """Drop all watches and transactions of this connection; iterators of watches end with `Closed`.

        On a device, of this connection only: RESET_WATCHES would drop the kernel's own watches as well.
        """
        if self.connection.through_kernel:
            with self.connection.lock:
                self.connection.session.forget_watches(Closed())
                self.connection.renew()
            return
        await self.run(ops.simple(requests.ResetWatches()))
        with self.connection.lock:
            self.connection.session.forget_watches(Closed())

    def watch(self, path: str, *more: str, depth: int | None = None) -> AsyncWatch:
        """Watch paths and all below them, in `async with`; see `client.Client.watch`."""
        return AsyncWatch(self, (path, *more), depth)

    async def wait_until(
        self,
        path: str,
        accept: Callable[[bytes | None], bool],
        timeout: float | None = None,  # noqa: ASYNC109 - as in Client
    ) -> bytes | None:
        """Wait until the value of a node is what one waits for; see `client.Client.wait_until`."""
        try:
            async with asyncio.timeout(timeout), self.watch(path) as watch:
                value = await self.get(path)
                while not accept(value):
                    await watch.get()
                    value = await self.get(path)
                return value
        except TimeoutError:
            raise TimedOut(operation="wait for", subject=path, seconds=timeout) from None

    def transaction(self) -> AsyncTransaction:
        """All or nothing: `async with store.transaction() as t: ...`; see `client.Client.transaction`."""
        return AsyncTransaction(self)

    async def attempts(self, most: int = ATTEMPTS) -> AsyncIterator[AsyncTransaction]:
        """A transaction that is tried again when others interfere: `async for` over `async with`."""
        for count in range(1, most + 1):
            transaction = AsyncTransaction(self, attempt=count, most=most)
            yield transaction
            if not transaction.conflicted:
                return
            await asyncio.sleep(pause(count))

    async def transact(self, work: Callable[[AsyncTree], Awaitable[T]], most: int = ATTEMPTS) -> T:
        """Run a coroutine function in a transaction, again if others interfere; what it returned at last."""
        async for attempt in self.attempts(most):
            async with attempt as inside:
                result = await work(inside)
        return result

    async def _connect(self) -> Connection:
        """Connect; a server that is busy accepting others gets five seconds."""
        until = time.monotonic() + BUSY
        while True:
            try:
                return Connection(self._address, patience=self._patience, busy=0.0, opener=self._opener)
            except NoServer as error:
                if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() >= until:
                    raise
            await asyncio.sleep(0.02)
