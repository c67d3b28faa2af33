"""What has to be done now and then: old history and stale uploads go, the certificate is renewed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.engine.api.answers import forget_answers
from guestwright.engine.disks.hosts import DiskHosts
from guestwright.engine.disks.uploads import Uploads
from guestwright.engine.inventory.database import Database
from guestwright.engine.process.certificate import Certificate
from guestwright.engine.process.settings import Settings
from guestwright.engine.process.stale import give_up_stale
from guestwright.host.client.address import Address

_EVERY: Final = 3600.0
_LOG: Final = logging.getLogger(__name__)


class Upkeep:
    """Does it, in a thread.

    Args:
        database: the inventory.
        addresses: where the service of a host is, by the host's id.
        settings: how much is kept.
        certificate: to be renewed; None without TLS.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        addresses: Callable[[str], Address],
        settings: Settings,
        certificate: Certificate | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._disks = Uploads(database, DiskHosts(addresses), clock)
        self._settings = settings
        self._certificate = certificate
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-upkeep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; may be called twice."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def once(self) -> dict[str, int]:
        """Do it now; returns how many of what are gone."""
        now, keep = self._clock(), self._settings
        with self._database.write() as tx:
            gone = {"facts": tx.facts.prune(older=now - keep.history, most=keep.former)}
        with self._database.write() as tx:
            gone["events"] = tx.events.prune(keep=keep.events)
        with self._database.write() as tx:
            gone["audit"] = tx.audit.prune(older=now - keep.audit)
        with self._database.write() as tx:
            gone["answers"] = forget_answers(tx)
        gone |= give_up_stale(self._database, self._disks, now - keep.uploads)
        if self._certificate is not None:
            self._certificate.renew()
        return gone

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            try:
                _LOG.info("what is old is gone: %s", self.once())
            except (GuestwrightError, OSError) as error:
                _LOG.warning("upkeep: %s", error)
