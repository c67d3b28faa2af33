"""The pure part of the event stream: a bounded ring of events with numbers, and what who is late has missed.

Theory of operation: every event gets the next number. A reader says after which number it goes on. The ring
holds the last events, bounded in number and in bytes. For those that fell out it keeps, for each subject (a
domain, a job), the number of its last one; so a reader that is late is told how many events it missed and
which subjects to look at again, instead of nothing or everything.

A number alone is not enough to go on after a restart of the service, as numbers start again. So a token has
an epoch, which each start chooses anew; who comes with another epoch has missed an unknown part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from guestwright.base.record import record

EPOCH_MAX: Final = 64  # characters
SUBJECTS_MAX: Final = 4096  # of which it is known when they fell out last
_EPOCH: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")
_DIGITS: Final = frozenset("0123456789")
_OVERHEAD: Final = 300  # bytes of an event's objects besides its body, measured on CPython 3.11


@record(kw_only=False)
class Token:
    """A place in the stream: after this event.

    Attributes:
        epoch: of the service's run: small letters and digits.
        sequence: of the last event that was taken; 0 for none.
    """

    epoch: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.sequence}"


def parse_token(text: str) -> Token | None:
    """Read what `str(token)` wrote; None for anything else."""
    epoch, dot, number = text.partition(".")
    if not dot or not 1 <= len(epoch) <= EPOCH_MAX or not _EPOCH.issuperset(epoch):
        return None
    if not 1 <= len(number) <= 18 or not _DIGITS.issuperset(number):
        return None
    return Token(epoch, int(number))


@record
class Event:
    """Something that happened.

    Attributes:
        sequence: its number, from 1.
        time: seconds since 1970.
        kind: what, kebab-case.
        subject: to whom: the uuid of a domain, the id of a job; "" for the service itself.
        body: more about it, a JSON object.
    """

    sequence: int
    time: float
    kind: str
    subject: str
    body: bytes


Wanted = Callable[[Event], bool]


@record
class Batch:
    """What a reader gets.

    Attributes:
        events: in order.
        token: where to go on.
        missed: how many events before these are gone; None when that cannot be known.
        subjects: whose they were; None when they could be anybody's. Empty when none is missed.
        behind: how many events come after these.
    """

    events: tuple[Event, ...]
    token: Token
    missed: int | None = 0
    subjects: frozenset[str] | None = frozenset()
    behind: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was missed."""
        return self.missed == 0


class EventRing:
    """The last events.

    Args:
        epoch: of this run; see `Token`.
        most: events that are kept.
        most_bytes: of all that are kept; one event is always kept.
    """

    def __init__(self, epoch: str, *, most: int = 16384, most_bytes: int = 16 << 20) -> None:
        if parse_token(f"{epoch}.0") is None or most < 1:
            raise ValueError("an epoch is small letters and digits, and at least one event is kept")
        self._epoch = epoch
        self._most = most
        self._most_bytes = most_bytes
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._last = 0
        self._dropped: dict[str, int] = {}  # subject to the number of its last event that fell out; in order
        self._forgotten = 0  # up to this number it is not known whose the events were

    @property
    def token(self) -> Token:
        """The present end of the stream."""
        return Token(self._epoch, self._last)

    def append(self, time: float, kind: str, subject: str, body: bytes) -> Event:
        """Add an event; its number is the next one."""
        self._last += 1
        event = Event(sequence=self._last, time=time, kind=kind, subject=subject, body=body)
        self._events.append(event)
        self._bytes += _size(event)
        while len(self._events) > self._most or (self._bytes > self._most_bytes and len(self._events) > 1):
            self._drop(self._events.popleft())
        return event

    def after(self, token: Token, most: int = 256, wanted: Wanted | None = None) -> Batch:
        """What comes after a place in the stream.

        Args:
            token: the place. One of another run, or one that has not been reached yet, is of no use here:
                the reader gets all that is kept and is told that it may have missed anything.
            most: events to return at most; what is not wanted does not count.
            wanted: which events; all without it.
        """
        strange = token.epoch != self._epoch or token.sequence > self._last
        start = 0 if strange else token.sequence
        first = self._events[0].sequence if self._events else self._last + 1
        missed: int | None = max(0, first - 1 - start)
        subjects = self._missed_by(start) if missed else frozenset()
        found: list[Event] = []
        position = max(start, first - 1)
        for index in range(position - (first - 1), len(self._events)):
            if len(found) == most:
                break
            event = self._events[index]
            position = event.sequence
            if wanted is None or wanted(event):
                found.append(event)
        return Batch(
            events=tuple(found),
            token=Token(self._epoch, position),
            missed=None if strange else missed,
            subjects=None if strange else subjects,
            behind=self._last - position,
        )

    def _drop(self, event: Event) -> None:
        self._bytes -= _size(event)
        self._dropped.pop(event.subject, None)
        self._dropped[event.subject] = event.sequence
        if len(self._dropped) > SUBJECTS_MAX:
            oldest = next(iter(self._dropped))
            self._forgotten = self._dropped.pop(oldest)

    def _missed_by(self, start: int) -> frozenset[str] | None:
        if start < self._forgotten:
            return None
        return frozenset(subject for subject, number in self._dropped.items() if number > start)


def _size(event: Event) -> int:
    return _OVERHEAD + len(event.body) + len(event.subject)
