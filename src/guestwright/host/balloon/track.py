"""What is known of one guest's balloon over time: whether it follows, and where it stopped.

Theory of operation: squeezed takes a guest that does not move for 5 s out of the game for the rest of a run,
and knows nothing of it in the next. Here a guest that stops is given a limit where it stopped: it cannot go
below (or above), but within that it takes part. The limit is believed for a while, longer each time it is
met again, and forgotten when the guest moves past it. So a guest that never follows costs one attempt a
minute, then one an hour, and nobody else's target moves because of it.

A guest stops when its agent says so, or when it has been idle for too long in all: idle seconds add up while
the target is not met, and only seconds with progress take them away again. A guest that moves one second in
twenty, or by a page now and then, is not taken for one that follows.

One that could not grow is tried again with little, because others would have to give it first.
"""

from __future__ import annotations

from guestwright.host.balloon.model import Seen, Settings


class Track:
    """One guest.

    Attributes:
        below: it does not go below this; None when nothing is known.
        above: it does not go above this; None when nothing is known.
        why: why it is limited, for people.
        need: what it needs, with headroom, held steady; None when that is not known.

    Args:
        settings: see there.
        seen: the guest at first.
        now: seconds.
    """

    def __init__(self, settings: Settings, seen: Seen, now: float) -> None:
        self.below: int | None = None
        self.above: int | None = None
        self.why = ""
        self.need: int | None = None
        self._settings = settings
        self._last = now
        self._mark = seen.actual
        self._rising = seen.target > seen.actual
        self._idle = 0.0
        self._pause = settings.retry
        self._until = 0.0
        self._since = now  # when the present limit was found
        self._lower_since: float | None = None
        self._start = (now, seen.actual)  # of the present way to a target
        self._patience = settings.patience

    def observe(self, seen: Seen, now: float) -> None:
        """Take note of how the guest is now."""
        elapsed = max(0.0, now - self._last)
        self._last = now
        self._patience = self._settings.patience_reported if seen.reports else self._settings.patience
        self._hold_need(seen, now)
        self._forget(seen, now)
        distance = seen.target - seen.actual
        if abs(distance) <= self._settings.inaccuracy:
            self._idle, self._mark, self._start = 0.0, seen.actual, (now, seen.actual)
            return
        rising = distance > 0
        if rising != self._rising:
            self._rising, self._mark, self._idle = rising, seen.actual, 0.0
            self._start = (now, seen.actual)
        progress = seen.actual - self._mark if rising else self._mark - seen.actual
        if progress >= self._settings.pace:
            self._mark = seen.actual
            self._idle = max(0.0, self._idle - elapsed)
        else:
            self._idle += elapsed
        patience = self._patience
        if seen.stuck:
            self._stop(seen, now, f"its agent says: {seen.stuck}")
        elif self._idle > patience:
            self._stop(seen, now, f"no progress for {patience:g} s")

    def retry(self, now: float) -> None:
        """Memory is wanted badly: try again a guest that stopped some time ago."""
        if now - self._since >= self._settings.retry:
            self._until = now

    def reachable(self, actual: int, deadline: float) -> int:
        """How low it comes until then at its present speed; 0 when that is not known."""
        seconds = self._last - self._start[0]
        if self._rising or seconds <= self._patience:
            return 0
        return int(actual - (self._start[1] - actual) / seconds * max(0.0, deadline - self._last))

    @property
    def owes(self) -> bool:
        """Whether it keeps memory that it was asked to give back."""
        return self.below is not None

    def _stop(self, seen: Seen, now: float, why: str) -> None:
        if self._rising:
            self.above = seen.actual
        else:
            self.below = seen.actual
        self.why = why
        self._idle = 0.0
        self._since, self._until = now, now + self._pause
        self._pause = min(self._settings.retry_last, self._pause * 2)

    def _forget(self, seen: Seen, now: float) -> None:
        pace = self._settings.pace
        passed = (self.below is not None and seen.actual <= self.below - pace) or (
            self.above is not None and seen.actual >= self.above + pace
        )
        if passed:
            self._pause = self._settings.retry
        if passed or (now >= self._until and not seen.stuck):
            self.below = None
            self.above = None if passed or self.above is None else seen.actual + self._probe(seen)
            self._until = now + self._pause
            self.why = "" if self.above is None else self.why

    def _probe(self, seen: Seen) -> int:
        return max(self._settings.slack, (seen.maximum - seen.minimum) // 32)

    def _hold_need(self, seen: Seen, now: float) -> None:
        if seen.used is None:
            self.need, self._lower_since = None, None
            return
        need = max(0, seen.used) + max(0, seen.used) // self._settings.headroom
        # In grains of the range, and one grain less is not yet less: what wavers does not move memory.
        grain = max(1, (seen.maximum - seen.minimum) // 32)
        need = min(seen.minimum - (seen.minimum - need) // grain * grain, seen.maximum)
        need = max(need, seen.minimum)
        if self.need is None or need > self.need:
            self.need, self._lower_since = need, None
        elif need >= self.need - grain:
            self._lower_since = None
        elif self._lower_since is None:
            self._lower_since = now
        elif now - self._lower_since >= self._settings.calm:
            self.need, self._lower_since = need, None
