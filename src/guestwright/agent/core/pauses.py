"""Pauses that grow: when something that failed may be tried again."""

from __future__ import annotations


class Pauses:
    """For each of some names, until when to leave it alone.

    Args:
        first: length of the first pause, in seconds; each further one is twice as long.
        last: longest pause, in seconds.
    """

    def __init__(self, first: float, last: float) -> None:
        self._first = first
        self._last = last
        self._until: dict[str, float] = {}
        self._length: dict[str, float] = {}
        self._latest = 0.0  # when all pauses will have ended

    def begin(self, name: str, now: float) -> bool:
        """It failed: pause, longer than the last time. Returns whether there was no pause before."""
        news = name not in self._length
        self._length[name] = self._first if news else min(self._length[name] * 2, self._last)
        self._pause(name, now)
        return news

    def hold(self, name: str, now: float) -> None:
        """Pause once more, as long as the last time."""
        self._length.setdefault(name, self._first)
        self._pause(name, now)

    def end(self, name: str) -> None:
        """It worked: forget the pauses."""
        if self._length.pop(name, None) is not None:
            del self._until[name]

    def holds(self, name: str, now: float) -> bool:
        """Whether it is to be left alone."""
        return now < self._latest and self._until.get(name, now) > now

    def none(self) -> bool:
        """Whether everything works that ever failed."""
        return not self._length

    def any(self, now: float) -> bool:
        """Whether there may be a pause; a quick look."""
        return now < self._latest

    def next(self, now: float) -> float | None:
        """The end of the pause that ends first after `now`; None when there is none."""
        return min((one for one in self._until.values() if one > now), default=None)

    def _pause(self, name: str, now: float) -> None:
        self._until[name] = now + self._length[name]
        self._latest = max(self._latest, self._until[name])
