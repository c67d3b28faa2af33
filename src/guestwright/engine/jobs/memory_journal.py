"""Outcomes in memory: for unit tests, and for a trial where nothing need outlive the process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from guestwright.engine.jobs.model import Job
from guestwright.engine.jobs.saga import AGAIN, Keep, Outcome


class MemoryJournal:
    """The `Journal` in memory; several workers may share one, as they would share a database."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, tuple[int, Outcome]]] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """See `journal.Journal`."""

    def start(self, job: Job, attempt: Callable[[Keep], None], gone: Callable[[], None]) -> None:
        """See `journal.Journal`."""
        with self._lock:
            known = {name: outcome for name, (_, outcome) in self._kept.get(job.id, {}).items()}

        def keep(name: str, body: Callable[[], Outcome], /) -> Outcome:
            if name in known:
                return known[name]
            outcome = body()
            if outcome["is"] != AGAIN:
                known[name] = outcome
                with self._lock:
                    kept = self._kept.setdefault(job.id, {})
                    if job.epoch >= kept.get(name, (0, outcome))[0]:
                        kept[name] = job.epoch, outcome
            return outcome

        def run() -> None:
            try:
                attempt(keep)
            finally:
                gone()

        threading.Thread(target=run, name=f"job-{job.id}", daemon=True).start()

    def jobs(self) -> list[str]:
        """See `journal.Journal`."""
        with self._lock:
            return list(self._kept)

    def forget(self, job: str) -> bool:
        """See `journal.Journal`."""
        with self._lock:
            self._kept.pop(job, None)
        return True

    def close(self) -> None:
        """See `journal.Journal`."""
