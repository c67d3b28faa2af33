"""Events of watches, and the bounded queue in which they wait for whoever iterates.

Theory of operation: xenstored promises only that somebody who watches learns that something has changed at
or below a path; it may merge events. So a full queue may lose events as long as it says so: the next event
taken out is marked `missed`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.xenstore.core.requests import Watch

QUEUE_MAX: Final = 4096  # events that wait for a slow reader


@record
class Event:
    """Something has changed.

    Attributes:
        path: of the node, spelt like the watched path (relative or absolute), or `@introduceDomain`...
        watched: the path given to `watch`.
        missed: whether other events may have been lost before this one, because the connection was down or
            nobody took events for too long; look at everything again.
    """

    path: str
    watched: str
    missed: bool = False


class Events:
    """A queue of events.

    Args:
        wake: called when there is something new; may be called from another thread.
    """

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self.wake = wake
        self._queue: deque[Event] = deque()
        self._missed = False
        self._error: GuestwrightError | None = None

    @property
    def ready(self) -> bool:
        """Whether `take` has something to give."""
        return bool(self._queue) or self._error is not None

    def put(self, path: str, watched: str, *, missed: bool) -> None:
        """Add an event; drop the oldest when the queue is full."""
        if len(self._queue) >= QUEUE_MAX:
            self._queue.popleft()
            self._missed = True
        self._queue.append(Event(path=path, watched=watched, missed=missed))
        self._wake()

    def fail(self, error: GuestwrightError) -> None:
        """Nothing will come any more; what waits can still be taken."""
        if self._error is None:
            self._error = error
        self._wake()

    def take(self) -> Event:
        """The oldest event.

        Raises:
            GuestwrightError: there is none, and there will be none, for this reason.
        """
        if not self._queue:
            assert self._error is not None
            raise self._error.with_traceback(None)
        event = self._queue.popleft()
        if self._missed and not event.missed:
            event = Event(path=event.path, watched=event.watched, missed=True)
        self._missed = False
        return event

    def _wake(self) -> None:
        if self.wake is not None:
            self.wake()


class Watched:
    """One registered path.

    Attributes:
        request: what registers it.
        events: where its events go.
        restored: whether it was registered again and the first event of that has not come yet.
    """

    __slots__ = ("events", "request", "restored")

    def __init__(self, request: Watch, events: Events) -> None:
        self.request = request
        self.events = events
        self.restored = False

    def heard(self, path: bytes) -> None:
        """An event has come."""
        missed, self.restored = self.restored, False
        text = path.decode("ascii", "backslashreplace")
        self.events.put(text, self.request.path.decode("ascii"), missed=missed)
