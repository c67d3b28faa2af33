"""What was taken from a host and what was refused: counted, and logged at most a few times a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

from guestwright.base.errors import GuestwrightError
from guestwright.base.printable import printable
from guestwright.engine.inventory.errors import DatabaseBusy, DatabaseUnusable
from guestwright.http_api.shapes import shaped

T = TypeVar("T")
_LOG: Final = logging.getLogger(__name__)
_LINES: Final = 20
_MINUTE: Final = 60.0
_PROBLEM_MAX: Final = 300


class Tally:
    """Counters of one host.

    Args:
        host: its name, for the log.
        clock: seconds that only rise.
    """

    def __init__(self, host: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._minute = 0.0
        self._lines = 0

    def count(self, what: str, number: int = 1) -> None:
        """Something was done."""
        with self._lock:
            self._counts[what] += number

    def refused(self, what: str, error: Exception | str) -> None:
        """Something that the host says was not taken.

        Args:
            what: of which kind: "domain", "volume" …; counted as "refused-…".
            error: why not.
        """
        problem = error.message if isinstance(error, GuestwrightError) else str(error)
        with self._lock:
            self._counts[f"refused-{what}"] += 1
            now = self._clock()
            if now - self._minute >= _MINUTE:
                self._minute, self._lines = now, 0
            self._lines += 1
            told = self._lines <= _LINES
        if told:
            _LOG.warning("%s of host %s is refused: %s", what, self._host, printable(problem[:_PROBLEM_MAX]))

    @contextmanager
    def taking(self, what: str) -> Iterator[None]:
        """What the inventory refuses in this block is counted, no more; a database that is away raises."""
        try:
            yield
        except (DatabaseBusy, DatabaseUnusable):
            raise
        except GuestwrightError as error:
            self.refused(what, error)

    def figures(self) -> dict[str, int]:
        """All counters so far, by name."""
        with self._lock:
            return dict(self._counts)

    def read(self, what: str, value: Any, kind: type[T]) -> T | None:
        """A value of a host as what it should be; None, and counted as refused, when it is not."""
        try:
            return shaped(value, kind)
        except (msgspec.ValidationError, RecursionError) as error:
            self.refused(what, str(error))
            return None

    def all_of(self, what: str, values: Iterable[Any], kind: type[T]) -> Iterator[T]:
        """Those of some values that are what they should be."""
        for value in values:
            found = self.read(what, value, kind)
            if found is not None:
                yield found
