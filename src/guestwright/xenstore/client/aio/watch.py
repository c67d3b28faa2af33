"""Watches, for asyncio."""

from __future__ import annotations

import asyncio
from typing import Self

from guestwright.base.errors import GuestwrightError
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.aio.link import waker
from guestwright.xenstore.client.aio.tree import AsyncTree
from guestwright.xenstore.client.errors import Closed, TimedOut
from guestwright.xenstore.client.watching import Event, Events, Watched


class AsyncWatch:
    """Watches of one or more paths, as an asynchronous iterator of events; see `client.watch.Watch`."""

    def __init__(self, client: AsyncTree, paths: tuple[str, ...], depth: int | None) -> None:
        self._client = client
        self._paths = paths
        self._depth = depth
        self._events = Events()
        self._watched: list[Watched] = []
        self._waiting: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> Self:
        try:
            for path in self._paths:
                await self._add(path)
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> AsyncWatch:
        return self

    async def __anext__(self) -> Event:
        return await self.get()

    async def get(self, timeout: float | None = None) -> Event:  # noqa: ASYNC109 - as in Watch
        """The next event.

        Args:
            timeout: seconds; None to wait for ever.

        Raises:
            TimedOut: none came.
        """
        loop = asyncio.get_running_loop()
        lock = self._client.link.connection.lock
        future: asyncio.Future[None] = loop.create_future()
        try:
            async with asyncio.timeout(timeout):
                while True:
                    with lock:
                        if self._events.ready:
                            return self._events.take()
                        future = loop.create_future()
                        self._waiting.add(future)
                        self._events.wake = waker(loop, self._waiting)
                    await future
        except TimeoutError:
            subject = ", ".join(self._paths)
            raise TimedOut(operation="wait for an event at", subject=subject, seconds=timeout) from None
        finally:
            self._waiting.discard(future)

    def close(self) -> None:
        """Stop watching; a task that waits for an event gets `Closed`."""
        connection = self._client.link.connection
        with connection.lock:
            if connection.over is None:
                for one in self._watched:
                    connection.session.unwatch(one)
            self._watched = []
            self._events.fail(Closed())
        self._client.link.turn()

    async def _add(self, path: str) -> None:
        connection = self._client.link.connection
        with connection.lock:
            connection.check()
            watched, pending = connection.session.watch(ops.raw(path, "watch"), self._events, self._depth)
        self._watched.append(watched)
        try:
            await self._client.link.settled(pending, self._client.timeout)
        except GuestwrightError:
            with connection.lock:
                connection.session.unwatch(watched, tell=not pending.done)
            raise
