"""What happens to jobs, in the inventory's stream of events, so that there is one stream to follow.

Theory of operation: jobs are in a book of their own with a stream of its own. This thread reads that and adds
an event `job-changed` for what it finds; the place up to which it did is in a file. After a kill the last few
may be told again, which is harmless: who hears of a job looks at it.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.engine.inventory.database import Database
from guestwright.engine.jobs.jobs import Jobs
from guestwright.host.enrol.files import read_whole, write_whole

CHANGED: Final = "job-changed"
_LOOK: Final = 0.5  # seconds between two looks
_MOST: Final = 500
_LOG: Final = logging.getLogger(__name__)


class JobNews:
    """Passes them on.

    Args:
        jobs: of the engine.
        database: the inventory.
        path: of the file with the place.
    """

    def __init__(self, jobs: Jobs, database: Database, path: str) -> None:
        self._jobs = jobs
        self._database = database
        self._path = path
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-job-news", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; may be called twice."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        at = self._place()
        while not self._stopping.wait(_LOOK):
            try:
                at = self._pass(at)
            except GuestwrightError as error:
                _LOG.warning("news of jobs are not passed on: %s", error.message)

    def _pass(self, at: int | None) -> int:
        """Tell what comes after a place; with None, nothing of what is there already."""
        last = at or 0
        while news := self._jobs.events(after=last, limit=_MOST):
            if at is not None:
                with self._database.write() as tx:
                    for one in news:
                        tx.tell(CHANGED, one.job, {"what": one.what})
            last = news[-1].seq
        if last != at:
            write_whole(self._path, b"%d\n" % last)
        return last

    def _place(self) -> int | None:
        try:
            text = (read_whole(self._path) or b"").decode("ascii", "replace").strip()
        except OSError as error:
            _LOG.warning("%s cannot be read: %s", os.path.basename(self._path), error)
            return None
        return int(text) if text.isdigit() and len(text) < 19 else None
