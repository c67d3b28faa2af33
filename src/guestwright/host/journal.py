"""The event stream of the service: any thread publishes, any number of readers follow, nobody waits for them.

Theory of operation: `event_ring` keeps the events and says what who is late has missed; here are the lock
around it and the ways to wait. A reader has only its place in the stream, so a slow one costs nothing but the
events that it will miss. A thread waits in `Reader.wait`; an event loop gives a `wake`, which is called once
when there is something new after the reader had found nothing, and then not before it has looked again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from guestwright.base.record import asdict, fields
from guestwright.host.event_ring import Batch, Event, EventRing, Token, Wanted

BATCH: Final = 256
_EPOCH_BYTES: Final = 8


def _plain(value: Any) -> Any:
    """What msgspec does not know: records."""
    try:
        fields(value)
    except AttributeError:
        raise NotImplementedError(f"an event holds no {type(value).__name__}") from None
    return asdict(value)


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain, order="deterministic")


class Journal:
    """What happened on this host, as far as it is kept.

    Args:
        epoch: of this run of the service; a new random one without it.
        clock: seconds since 1970.
        most: events that are kept.
        most_bytes: of all that are kept.
    """

    def __init__(
        self,
        epoch: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
        most: int = 16384,
        most_bytes: int = 16 << 20,
    ) -> None:
        self._ring = EventRing(epoch or secrets.token_hex(_EPOCH_BYTES), most=most, most_bytes=most_bytes)
        self._clock = clock
        self._changed = threading.Condition()
        self._readers: set[Reader] = set()
        self._closed = False

    @property
    def token(self) -> Token:
        """The present end of the stream: what a reader takes before it reads the state of things."""
        with self._changed:
            return self._ring.token

    @property
    def closed(self) -> bool:
        """Whether the stream has ended."""
        return self._closed

    def publish(self, kind: str, subject: str = "", data: Mapping[str, Any] | None = None) -> Event:
        """Add an event; from any thread, without waiting for any reader.

        Args:
            kind: what happened, kebab-case.
            subject: the uuid of a domain, the id of a job; "" for the service itself.
            data: more about it: what JSON knows, records, enums. Never a secret. It is written at once, so it
                may be changed afterwards.

        Returns:
            the event with its number.

        Raises:
            NotImplementedError: `data` holds what cannot be JSON.
        """
        body = _ENCODER.encode({} if data is None else dict(data))
        with self._changed:
            event = self._ring.append(self._clock(), kind, subject, body)
            self._changed.notify_all()
            wakes = self._woken()
        for wake in wakes:
            wake()
        return event

    def read(self, token: Token, most: int = BATCH, wanted: Wanted | None = None) -> Batch:
        """What comes after a place in the stream; see `EventRing.after`."""
        with self._changed:
            return self._ring.after(token, most, wanted)

    def reader(
        self, token: Token | None = None, wanted: Wanted | None = None, wake: Callable[[], None] | None = None
    ) -> Reader:
        """Follow the stream.

        Args:
            token: after which place; from now on without it.
            wanted: which events.
            wake: called on the thread that publishes, without any lock: it must be quick, not raise, and
                not publish.
        """
        with self._changed:
            reader = Reader(self, self._ring.token if token is None else token, wanted, wake)
            self._readers.add(reader)
            return reader

    def close(self) -> None:
        """End the stream: who waits goes on without having got anything. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            wakes = self._woken()
        for wake in wakes:
            wake()

    @property
    def readers(self) -> int:
        """How many follow."""
        return len(self._readers)

    def _woken(self) -> list[Callable[[], None]]:
        found = []
        for reader in self._readers:
            if reader.armed and reader.wake is not None:
                reader.armed = False
                found.append(reader.wake)
        return found

    def _take(self, reader: Reader, most: int, seconds: float | None) -> Batch:
        end = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            while True:
                batch = self._ring.after(reader.token, most, reader.wanted)
                reader.token = batch.token
                left = 0.0 if end is None else end - time.monotonic()
                if batch.events or not batch.whole or left <= 0 or self._closed:
                    reader.armed = not batch.events and not batch.behind
                    return batch
                self._changed.wait(left)

    def _leave(self, reader: Reader) -> None:
        with self._changed:
            self._readers.discard(reader)


class Reader:
    """One who follows the stream; made by `Journal.reader`. One thread at a time uses it.

    Attributes:
        token: its place.
        wanted: which events it gets.
        wake: see `Journal.reader`.
        armed: whether `wake` is to be called.
    """

    def __init__(
        self, journal: Journal, token: Token, wanted: Wanted | None, wake: Callable[[], None] | None
    ) -> None:
        self._journal = journal
        self.token = token
        self.wanted = wanted
        self.wake = wake
        self.armed = False

    def take(self, most: int = BATCH) -> Batch:
        """What has come since the last time, perhaps nothing; does not wait."""
        return self._journal._take(self, most, None)  # noqa: SLF001 - the journal's other half

    def wait(self, seconds: float, most: int = BATCH) -> Batch:
        """What has come since the last time; waits for the first event.

        Args:
            seconds: after which it returns without any.
            most: events.
        """
        return self._journal._take(self, most, seconds)  # noqa: SLF001 - the journal's other half

    def close(self) -> None:
        """Follow no longer. May be called twice."""
        self._journal._leave(self)  # noqa: SLF001 - the journal's other half

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
