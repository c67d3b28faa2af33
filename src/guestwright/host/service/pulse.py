"""Whether a thread that takes a turn every second still does."""

from __future__ import annotations

from collections.abc import Callable


class Pulse:
    """The turns of a thread, looked at by another now and then.

    A machine that was stopped for a while finds everything silent when it goes on: only a thread that has not
    moved from one look to the next is stuck.

    Args:
        clock: monotonic time in seconds.
    """

    __slots__ = ("_clock", "_seen", "_turn")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turn = clock()
        self._seen: float | None = None

    def turn(self) -> None:
        """The thread begins a turn."""
        self._turn = self._clock()

    def silence(self) -> float:
        """Seconds since the last turn, at least from the last look to this; 0 if there was one meanwhile."""
        before, self._seen = self._seen, self._turn
        return self._clock() - self._turn if before == self._turn else 0.0
