"""When to look at a guest again: soon after a change, never too often, and always after the last one.

Theory of operation: each guest has an allowance of looks that fills up slowly. A guest that changes now and
then is looked at `settle` seconds after the first change, so that what belongs together is seen together.
One that floods uses up its allowance, and is then looked at once per `refill` seconds; however much it
writes in between, that is one look, and the last value is seen. Guests do not share an allowance. A look that
was dear (`cost`) uses up more of it, so that a guest with very much to read is read less often.
"""

from __future__ import annotations

from typing import Final

from guestwright.base.record import record

DEBT_MAX: Final = 60.0  # looks


@record
class Pace:
    """How often a guest is looked at.

    Attributes:
        settle: seconds between a change and the look at it.
        burst: looks at that speed in a row.
        refill: seconds until one more is allowed.
    """

    settle: float = 0.02
    burst: int = 20
    refill: float = 1.0


class Attention:
    """One guest.

    Attributes:
        due: when to look at it, seconds; None while nothing has changed.
        merged: changes that another look has covered.

    Args:
        pace: see there.
        now: seconds of a monotonic clock.
    """

    __slots__ = ("_allowance", "_filled", "_pace", "due", "merged")

    def __init__(self, pace: Pace, now: float) -> None:
        self.due: float | None = None
        self.merged = 0
        self._pace = pace
        self._allowance = float(pace.burst)
        self._filled = now

    def touched(self, now: float) -> None:
        """Something has changed."""
        if self.due is not None:
            self.merged += 1
            return
        self._fill(now)
        wait = max(0.0, (1.0 - self._allowance) * self._pace.refill)
        self.due = now + max(self._pace.settle, wait)

    def take(self, now: float) -> bool:
        """Whether it is to be looked at now; if so, changes from now on lead to another look."""
        if self.due is None or now < self.due:
            return False
        self._fill(now)
        self.due = None
        self._allowance -= 1.0
        return True

    def cost(self, looks: float) -> None:
        """The last look was as dear as this many more."""
        self._allowance = max(-DEBT_MAX, self._allowance - looks)

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._filled) / self._pace.refill
        self._allowance = min(float(self._pace.burst), self._allowance + gained)
        self._filled = max(now, self._filled)
