"""What a watch tells of one guest, kept until it is looked at: paths, not events, and not too many.

Theory of operation: the connection to the store calls `put` while it reads, so it must be quick. A path that
is no fact is dropped here. A guest that touches more paths than `PATHS_MAX` between two looks is looked at as
a whole; so what a flood leaves behind is bounded, and is one guest's only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.host.facts.reading import above, is_read
from guestwright.xenstore.client.watching import Events

PATHS_MAX: Final = 128


class Touches(Events):
    """What is to be read again of one guest.

    Attributes:
        paths: relative to its directory.
        whole: all of it, as events may have been lost or were too many.
        since: when the first of them came, seconds; None without any.

    Args:
        home: the domain's directory.
        touched: called at every change, with the connection's lock held.
    """

    def __init__(self, home: str, touched: Callable[[Touches], object]) -> None:
        super().__init__()
        self._start = len(home) + 1
        self._touched = touched
        self.paths: set[str] = set()
        self.whole = True
        self.since: float | None = None

    def put(self, path: str, watched: str, *, missed: bool) -> None:
        """See `Events`."""
        del watched
        relative = path[self._start :]
        if missed:
            self.whole = True
        elif relative not in self.paths:
            if not is_read(relative) and not above(relative):
                return
            if len(self.paths) >= PATHS_MAX:
                self.whole = True
            else:
                self.paths.add(relative)
        self._touched(self)

    def taken(self) -> tuple[bool, set[str]]:
        """Whether the whole is to be read, and the paths if not; from now on there is nothing."""
        found = self.whole, self.paths
        self.whole, self.paths, self.since = False, set(), None
        return found
