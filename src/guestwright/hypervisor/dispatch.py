"""Hands events to listeners on one thread, in order, and never lets them pile up without end.

Theory of operation: a driver learns of events on a thread where it must not wait (libvirt's event loop would
stop to answer keep-alives) and must not call libvirt again. So it only puts them here. When a listener is so
slow that the row is full, the whole row is dropped and one MISSED tells listeners to list the domains again:
state matters, history does not.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Final

from guestwright.hypervisor.events import Event, EventKind, Listener

_LOG: Final = logging.getLogger(__name__)
_ROOM: Final = 10_000  # events; about 5 MB


class Dispatcher:
    """One row of events, one thread.

    Args:
        room: how many events wait at most.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._row: deque[tuple[Event, tuple[Place, ...]]] = deque()
        self._places: tuple[Place, ...] = ()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="hypervisor-events", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Have all listeners told. Never waits for them."""
        with self._changed:
            if len(self._row) >= self._room:
                self._row.clear()
                self._row.append((Event(kind=EventKind.MISSED), self._places))
            self._row.append((event, self._places))
            self._changed.notify()

    def subscribe(self, listener: Listener) -> Place:
        """Tell `listener` of what is put from now on."""
        place = Place(self, listener)
        with self._changed:
            self._places = (*self._places, place)
        return place

    def drop(self, place: Place) -> None:
        """Tell a listener no more."""
        with self._changed:
            self._places = tuple(each for each in self._places if each is not place)

    def close(self) -> None:
        """End the thread; what waits is not told. May be called twice and by a listener."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _next(self) -> tuple[Event, tuple[Place, ...]] | None:
        """An event and who is to hear it: who listened when it was put, and still does."""
        with self._changed:
            self._changed.wait_for(lambda: self._row or self._closed)
            if self._closed:
                return None
            event, places = self._row.popleft()
            return event, tuple(each for each in places if each in self._places)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            event, places = work
            for each in places:
                try:
                    each.listener(event)
                except Exception:  # noqa: BLE001 - the boundary to listeners: one must not end the others' events
                    _LOG.exception("a listener failed on %s", event.kind)


class Place:
    """A listener's subscription.

    Args:
        dispatcher: who tells.
        listener: who is told.
    """

    def __init__(self, dispatcher: Dispatcher, listener: Listener) -> None:
        self._dispatcher = dispatcher
        self.listener = listener

    def close(self) -> None:
        """Tell no more. May be called twice."""
        self._dispatcher.drop(self)
