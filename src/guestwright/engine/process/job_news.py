"""What happens to jobs, in the inventory's stream of events, so that there is one stream to follow.

Theory of operation: jobs are in a book of their own with a stream of its own. This thread reads that and adds
an event `job-changed` for what it finds; the place up to which it did is kept with the events, in the same
transaction, so that each is passed on once, whichever engine does it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.engine.inventory import duties
from guestwright.engine.inventory.database import Database
from guestwright.engine.jobs.jobs import Jobs

CHANGED: Final = "job-changed"
DUTY: Final = "job-news"
_LOOK: Final = 0.5  # seconds between two looks
_MOST: Final = 500
_LOG: Final = logging.getLogger(__name__)


class JobNews:
    """Passes them on.

    Args:
        jobs: of the engine.
        database: the inventory.
        leads: whether this engine does it, of several.
    """

    def __init__(self, jobs: Jobs, database: Database, leads: Callable[[], bool]) -> None:
        self._jobs = jobs
        self._database = database
        self._leads = leads
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
        while not self._stopping.wait(_LOOK):
            try:
                if self._leads():
                    self.once()
            except GuestwrightError as error:
                _LOG.warning("news of jobs are not passed on: %s", error.message)

    def once(self) -> None:
        """Pass on what is new; the first time in an inventory, nothing of what is there already."""
        with self._database.read() as tx:
            place = duties.place(tx, DUTY)
        first = not place
        while news := self._jobs.events(after=int(place or 0), limit=_MOST):
            after = str(news[-1].seq)
            with self._database.write() as tx:
                if not duties.move(tx, DUTY, place, after):
                    return  # another engine was quicker
                for one in () if first else news:
                    tx.tell(CHANGED, one.job, {"what": one.what})
            place = after
        if not place:
            with self._database.write() as tx:
                duties.move(tx, DUTY, "", "0")
