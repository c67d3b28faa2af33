"""Gathers what hosts say of guests, and stores it many at a time.

Theory of operation: whoever hears of guests puts it here and goes on. One thread stores what has gathered
while it stored what was there before, so batches grow with the load by themselves and a lone update waits for
nobody. The room is bounded: who puts more waits, and so do, in turn, the hosts' event streams, which resume
where they were. When the database does not answer, what has gathered stays and is tried again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Self

from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import DatabaseBusy, DatabaseUnusable
from guestwright.engine.inventory.facts import AgentUpdate, Update, check

_BATCH: Final = 1000
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts while the database does not answer."""


class Gathering:
    """A queue of updates before the database, with its thread.

    Args:
        database: where they are stored.
        most: updates that may wait.
        unknown: is called with ids of machines that are not in the inventory; must be quick and not raise.
    """

    def __init__(
        self,
        database: Database,
        *,
        most: int = 20_000,
        unknown: Callable[[frozenset[str]], object] = lambda _: None,
    ) -> None:
        self._database = database
        self._most = most
        self._unknown = unknown
        self._waiting: deque[Update | AgentUpdate] = deque()
        self._taken = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="gathering-facts", daemon=True)
        self._thread.start()

    def put(self, updates: Sequence[Update | AgentUpdate], timeout: float = 60.0) -> bool:
        """Have updates stored soon, in this order.

        Args:
            updates: of any guests; more than there is room for at all come in parts.
            timeout: seconds to wait for room.

        Returns:
            Whether all were taken; when not, the first of them may have been, and putting all again is
            harmless.

        Raises:
            BadFact: one of them is never kept; none was taken.
        """
        for one in updates:
            if isinstance(one, Update):
                check(one)
        deadline = time.monotonic() + timeout
        for start in range(0, len(updates), _BATCH):
            part = updates[start : start + _BATCH]
            with self._changed:
                room = self._changed.wait_for(partial(self._fits, len(part)), deadline - time.monotonic())
                if not room or self._closing:
                    return False
                self._waiting.extend(part)
                self._changed.notify_all()
        return True

    def flush(self, timeout: float = 60.0) -> bool:
        """Wait until nothing waits; returns whether that came before the time-out in seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._held, timeout)

    def close(self) -> int:
        """Store what has gathered, if the database answers, and end.

        Returns:
            How many updates were not stored.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        return self._held

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _held(self) -> int:
        return len(self._waiting) + self._taken

    def _fits(self, count: int) -> bool:
        return self._closing or self._held + count <= max(self._most, count)

    def _run(self) -> None:
        failed = 0
        batch: list[Update | AgentUpdate] = []
        while True:
            if not batch:
                batch = self._take()
            if not batch:
                return
            try:
                unknown = self._store(batch)
            except (DatabaseBusy, DatabaseUnusable):
                with self._changed:
                    pause = _PAUSES[min(failed, len(_PAUSES) - 1)]
                    failed += 1
                    if self._closing or self._changed.wait_for(lambda: self._closing, pause):
                        return
                continue
            failed, batch = 0, []
            with self._changed:
                self._taken = 0
                self._changed.notify_all()
            if unknown:
                self._unknown(unknown)

    def _take(self) -> list[Update | AgentUpdate]:
        """What is stored next; nothing when the end has come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            self._taken = len(batch)
            return batch

    def _store(self, batch: list[Update | AgentUpdate]) -> frozenset[str]:
        said = [one for one in batch if isinstance(one, Update)]
        agents = [one for one in batch if isinstance(one, AgentUpdate)]
        with self._database.write() as tx:
            unknown = tx.facts.store(said).unknown if said else frozenset[str]()
            return unknown | tx.facts.agents(agents) if agents else unknown
