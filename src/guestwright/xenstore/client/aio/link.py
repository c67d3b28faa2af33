"""A connection as the tasks of one event loop see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from guestwright.xenstore.client.aio.driver import Driver, attach
from guestwright.xenstore.client.connection import Connection
from guestwright.xenstore.client.errors import Closed, TimedOut, describe
from guestwright.xenstore.client.session import Pending
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.replies import Reply


class Link:
    """A connection that the running loop takes care of.

    Args:
        connection: may be used by threads and other loops too.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._driver: Driver | None = attach(connection, asyncio.get_running_loop())

    def close(self) -> None:
        """Leave the loop; the connection stays."""
        if self._driver is not None:
            self._driver.turn()
            self._driver.close()
            self._driver = None

    def turn(self) -> None:
        """Send what is queued."""
        if self._driver is not None:
            self._driver.turn()

    def submit(self, request: requests.Request, transaction: int = 0) -> Pending:
        """Queue a request, for `settled`."""
        with self.connection.lock:
            self.connection.check()
            return self.connection.session.submit(request, transaction)

    async def settled(self, pending: Pending, seconds: float | None) -> Reply:
        """The reply to a request that was queued; `TimedOut` after so many seconds."""
        if self._driver is None:
            raise Closed
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        connection = self.connection
        with connection.lock:
            pending.wake = waker(loop, {future})
        self._driver.soon()
        try:
            if not pending.done:
                async with asyncio.timeout(seconds):
                    await future
        except TimeoutError:
            operation, subject = describe(pending.request)
            raise TimedOut(operation=operation, subject=subject, seconds=seconds) from None
        finally:
            if not pending.done:
                with connection.lock:
                    connection.session.abandon(pending)
        if pending.error is not None:
            raise pending.error.with_traceback(None)
        assert pending.reply is not None
        return pending.reply


def waker(loop: asyncio.AbstractEventLoop, waiting: set[asyncio.Future[None]]) -> Callable[[], None]:
    """Something to call from any thread that resolves the futures of this loop that wait by then."""

    def resolve() -> None:
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def wake() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(resolve)

    return wake
