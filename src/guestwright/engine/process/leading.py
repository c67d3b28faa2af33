"""Which of several engines on one database does what only one has to do: follow hosts, pass on news of jobs.

Theory of operation: that is a duty in the database, which the one who has it confirms every few seconds. One
that dies loses it when its time is over; one that was started again, in the same directory, has it at once.
An engine that hung may go on for a moment beside the next one: what both then write is the same. On SQLite
there is one engine, and nothing to be asked.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
import time
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.engine.inventory import duties
from guestwright.engine.inventory.database import Database
from guestwright.engine.process.settings import Settings

DUTY: Final = "lead"
SECONDS: Final = 12.0
_LOOK: Final = 3.0
_LOG: Final = logging.getLogger(__name__)


class Leading:
    """Whether this engine does it; to be called. Safe to be used by many threads.

    Args:
        database: of all engines.
        settings: of this one.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._alone = settings.url.startswith("sqlite")
        place = f"{socket.gethostname()}:{os.path.realpath(settings.directory)}"
        self._owner = hashlib.sha256(place.encode()).hexdigest()[:32]
        self._until = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-leading", daemon=True)

    def __call__(self) -> bool:
        """Whether this engine does it now."""
        return self._alone or time.monotonic() < self._until

    def start(self) -> None:
        """Begin to ask for it."""
        if not self._alone:
            self._ask()
            self._thread.start()

    def stop(self) -> None:
        """Give it back. May be called twice."""
        self._stopping.set()
        if self._thread.ident is None:
            return
        self._thread.join()
        if not self():
            return
        self._until = 0.0
        try:
            with self._database.write() as tx:
                duties.leave(tx, DUTY, self._owner)
        except GuestwrightError as error:
            _LOG.info("others will lead in %g s: %s", SECONDS, error.message)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK):
            self._ask()

    def _ask(self) -> None:
        before, began = self(), time.monotonic()
        try:
            with self._database.write() as tx:
                mine = duties.take(tx, DUTY, self._owner, SECONDS)
        except GuestwrightError as error:
            _LOG.warning("nobody can say which engine leads: %s", error.message)
            return
        self._until = began + SECONDS if mine else 0.0
        if mine is not before:
            _LOG.info("this engine follows the hosts" if mine else "another engine follows the hosts")
