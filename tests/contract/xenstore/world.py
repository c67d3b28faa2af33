"""What a contract case is given, wherever it runs; standard library only."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from guestwright.xenstore.client.aio.client import AsyncClient
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import NoSuchPath
from guestwright.xenstore.client.transport import Opener, open_transport
from guestwright.xenstore.client.watch import Watch
from guestwright.xenstore.client.watching import Event

PATIENCE = 60.0  # seconds until a case gives up


class World:
    """A store to try, and who we are in it.

    Args:
        address: of the socket or device; None for the usual place.
        base: a directory in which we may do anything; made and removed for each case.
        privileged: whether we are a toolstack: no quotas, all domains.
        oxenstored: whether the server is, for the few things that it does in its own way.
        opener: how to connect.
    """

    def __init__(
        self,
        address: str | None,
        base: str,
        *,
        privileged: bool,
        oxenstored: bool,
        opener: Opener = open_transport,
    ) -> None:
        self.address = address
        self.opener = opener
        self.base = base
        self.privileged = privileged
        self.oxenstored = oxenstored

    @property
    def message_max(self) -> int:
        """Bytes that fit after a message's header, path and value together."""
        with self.client() as store:
            return store.connection.session.message_max - 16

    def client(self) -> Client:
        """A new connection."""
        return Client(self.address, timeout=PATIENCE, opener=self.opener)

    def asynchronous(self) -> AsyncClient:
        """A new connection for asyncio."""
        return AsyncClient(self.address, timeout=PATIENCE, opener=self.opener)

    def path(self, name: str) -> str:
        """A path in the directory of the case."""
        return f"{self.base}/{name}"

    @contextlib.contextmanager
    def fresh(self) -> Iterator[None]:
        """An empty directory for the block."""
        with self.client() as store:
            with contextlib.suppress(NoSuchPath):
                store.rm(self.base)
            store.mkdir(self.base)
            try:
                yield
            finally:
                store.rm(self.base)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function to its end, at most for `PATIENCE`."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await work()

    asyncio.run(bounded())


def until(watch: Watch, path: str) -> Event:
    """The first event at a path; servers may merge events and send more than asked for."""
    deadline = time.monotonic() + PATIENCE
    while True:
        event = watch.get(max(0.0, deadline - time.monotonic()))
        if event.path == path:
            return event


def quiet(watch: Watch, *paths: str) -> None:
    """Take the first events of all watched paths, which come unasked."""
    for path in paths:
        until(watch, path)


def refused(kind: type[Exception], work: Callable[[], object]) -> Exception:
    """The exception that something must raise."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")
