"""What a step may ask and tell while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from guestwright.base.printable import printable
from guestwright.engine.jobs.book import Book
from guestwright.engine.jobs.errors import DurableJobError
from guestwright.engine.jobs.model import NOTE_MAX, Job, Status

_KEEP_SECONDS: Final = 1.0


class StepTalk:
    """The `model.Context` of one step.

    Args:
        book: of the job.
        job: as it was taken up.
        name: "do:" or "undo:" and the step's name.
        results: of the steps before.
        check: what `check` calls.
    """

    def __init__(
        self, book: Book, job: Job, name: str, results: Mapping[str, Any], check: Callable[[], None]
    ) -> None:
        self._book = book
        self._job = job
        self._name = name
        self._results = results
        self._check = check
        self._kept = time.monotonic()
        self.left: list[dict[str, str]] = []

    @property
    def job(self) -> Job:
        """See `model.Context`."""
        return self._job

    @property
    def results(self) -> Mapping[str, Any]:
        """See `model.Context`."""
        return self._results

    @property
    def undoing(self) -> bool:
        """See `model.Context`."""
        return self._name.startswith("undo:")

    def request(self, part: str = "") -> str:
        """See `model.Context`."""
        verb, _, step = self._name.partition(":")
        return "-".join(one for one in (self._job.id, verb, step, part) if one)

    def progress(self, done: int, total: int, note: str = "") -> None:
        """See `model.Context`."""
        now = time.monotonic()
        if now - self._kept < _KEEP_SECONDS:
            return
        self._kept = now
        with suppress(DurableJobError):  # nobody sees this line; what matters asks the book again
            self._book.note(
                self._job,
                status=Status.COMPENSATING if self.undoing else Status.RUNNING,
                step=self._name.partition(":")[2],
                done=done,
                total=total,
                note=printable(note)[:NOTE_MAX],
                quiet=True,
            )

    def check(self) -> None:
        """See `model.Context`."""
        self._check()

    def leave(self, what: str, reason: str) -> None:
        """See `model.Context`."""
        self.left.append({"what": what[:NOTE_MAX], "reason": reason[:NOTE_MAX]})
