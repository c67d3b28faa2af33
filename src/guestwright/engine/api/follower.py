"""Follows the stream of events once for all that listen to it.

Theory of operation: what commits in this process wakes the follower at once; what other engines commit is
found by looking every second. New events are read and encoded once, and kept in a ring; each listener has its
own place, takes what is behind it from the ring, and reads from the database only when it is further behind.
While nobody listens nothing is read. All but what `Workers` does happens in the event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.events import Batch, Event
from guestwright.http_api.errors import Busy
from guestwright.http_api.workers import Workers

LOOK: Final = 1.0  # seconds
RING: Final = 1024  # events
LISTENERS_MAX: Final = 1000
_MOST: Final = 1000
_SECONDS: Final = 60.0


@record
class Wanted:
    """Which events: those of these kinds and about these subjects; all where a set is empty."""

    kinds: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()

    def admits(self, kind: str, subject: str) -> bool:
        """Whether an event is one of them."""
        return (not self.kinds or kind in self.kinds) and (not self.subjects or subject in self.subjects)


@record
class Line:
    """An event as it is sent."""

    sequence: int
    kind: str
    subject: str
    text: bytes


@record
class Taken:
    """What a listener gets: lines, its next place, and whether something between is gone."""

    lines: tuple[Line, ...]
    token: str
    missed: bool = False
    more: bool = False


class Follower:
    """See the module.

    Args:
        database: with the stream.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: deque[Line] = deque(maxlen=RING)
        self._token = ""
        self._listeners: set[asyncio.Event] = set()
        self._news = asyncio.Event()
        self._workers = Workers(4, 1024, "api-events")
        self.closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow while the block lasts."""
        loop = asyncio.get_running_loop()

        def committed(_: int) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._news.set)

        unsubscribe = self._database.subscribe(committed)
        task = asyncio.ensure_future(self._follow())
        try:
            yield
        finally:
            unsubscribe()
            self.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._workers.close()

    def admit(self) -> None:
        """Raise `Busy` when there are too many listeners for another."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise Busy(what="streams of events", most=LISTENERS_MAX)

    def close(self) -> None:
        """Have all listeners end. To be called in the event loop."""
        self.closed = True
        self._wake()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set when there is something new."""
        news = asyncio.Event()
        self._listeners.add(news)
        self._news.set()
        try:
            yield news
        finally:
            self._listeners.discard(news)

    async def take(self, token: str, wanted: Wanted) -> Taken:
        """What comes after a place, without waiting for anything new.

        Args:
            token: the place.
            wanted: which events.

        Raises:
            DatabaseBusy, DatabaseUnusable, Busy, TookTooLong: it cannot be had now.
        """
        if self._token:
            epoch, end = _place(self._token)
            mine, at = _place(token)
            start = self._lines[0].sequence - 1 if self._lines else end
            if mine == epoch and start <= at <= end:
                found = islice(self._lines, at - start, None)
                return Taken(
                    lines=tuple(one for one in found if wanted.admits(one.kind, one.subject)),
                    token=self._token,
                )
        batch = await self.run(partial(self._after, token, wanted))
        return Taken(lines=_lines(batch), token=batch.token, missed=batch.missed, more=batch.more)

    async def run(self, do: Callable[[], Any]) -> Any:
        """Do something in one of the follower's threads; raises as `Workers.run`."""
        return await self._workers.run(do, "events", _SECONDS)

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK)
            self._news.clear()
            if not self._listeners:
                self._token = ""
                self._lines.clear()
                continue
            try:
                await self._read()
            except GuestwrightError:
                await asyncio.sleep(LOOK)  # the database is away; listeners hear of it themselves

    async def _read(self) -> None:
        if not self._token:
            self._token = await self.run(self._end)
            self._wake()
            return
        batch = await self.run(partial(self._after, self._token, Wanted()))
        if batch.missed:
            self._lines.clear()
        self._lines.extend(_lines(batch))
        if batch.missed and not batch.events:
            self._lines.clear()
        moved, self._token = batch.token != self._token, batch.token
        if batch.more:
            self._news.set()
        if moved or batch.missed:
            self._wake()

    def _wake(self) -> None:
        for one in self._listeners:
            one.set()

    def _end(self) -> str:
        with self._database.read() as tx:
            return tx.events.token

    def _after(self, token: str, wanted: Wanted) -> Batch:
        with self._database.read() as tx:
            return tx.events.after(token, most=_MOST, kinds=wanted.kinds, subjects=wanted.subjects)


def _place(token: str) -> tuple[str, int]:
    epoch, _, number = token.partition(".")
    return epoch, int(number or 0)


def _lines(batch: Batch) -> tuple[Line, ...]:
    epoch = _place(batch.token)[0].encode()
    return tuple(_line(epoch, one) for one in batch.events)


def _line(epoch: bytes, event: Event) -> Line:
    """One event; JSON as msgspec writes it has no line breaks."""
    shown = {
        "sequence": event.sequence,
        "at": event.at,
        "kind": event.kind,
        "subject": event.subject,
        "body": event.body,
    }
    data = msgspec.json.encode(shown)
    text = b"id: %s.%d\nevent: %s\ndata: %s\n\n" % (epoch, event.sequence, event.kind.encode(), data)
    return Line(sequence=event.sequence, kind=event.kind, subject=event.subject, text=text)
