"""Watches, for synchronous code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Self

from guestwright.base.errors import GuestwrightError
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.errors import Closed, TimedOut
from guestwright.xenstore.client.tree import Tree
from guestwright.xenstore.client.watching import Event, Events, Watched


class Watch:
    """Watches of one or more paths, as an iterator of events.

    The first event of each path comes at once. `Event.missed` says that others may have been lost. Use it in
    a `with` block, or close it, to stop watching.

    Args:
        client: whose connection to use.
        paths: what to watch.
        depth: how many levels below count; None for all.
    """

    def __init__(self, client: Tree, paths: tuple[str, ...], depth: int | None) -> None:
        self._client = client
        self._events = Events()
        self._watched: list[Watched] = []
        try:
            for path in paths:
                self._add(path, depth)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return self.get()

    def get(self, timeout: float | None = None) -> Event:
        """The next event.

        Args:
            timeout: seconds; None to wait for ever.

        Raises:
            TimedOut: none came.
        """
        connection = self._client.connection
        deadline = None if timeout is None else time.monotonic() + timeout
        while connection.wait(lambda: self._events.ready, deadline):
            with connection.lock:
                if self._events.ready:  # else another thread was faster
                    return self._events.take()
        subject = ", ".join(one.request.path.decode("utf-8", "replace") for one in self._watched)
        raise TimedOut(operation="wait for an event at", subject=subject, seconds=timeout)

    def close(self) -> None:
        """Stop watching; a thread that waits for an event gets `Closed`."""
        connection = self._client.connection
        with connection.lock:
            if connection.over is None:
                for one in self._watched:
                    connection.session.unwatch(one)
            self._watched = []
            self._events.fail(Closed())
        connection.turn()

    def _add(self, path: str, depth: int | None) -> None:
        connection = self._client.connection
        with connection.lock:
            connection.check()
            watched, pending = connection.session.watch(ops.raw(path, "watch"), self._events, depth)
        self._watched.append(watched)
        try:
            self._client.settled(pending)
        except GuestwrightError:
            with connection.lock:
                connection.session.unwatch(watched, tell=not pending.done)
            raise
