"""The engine with all that belongs to it, but for signals.

Theory of operation: parts are started one after the other and ended in the reverse order, whatever got
started. What counts is in databases and files; nothing is in the process alone that would be missed. So a
kill at any moment loses nothing: jobs are taken up again when their lease is over, hosts are read anew, and
whoever follows the engine's events goes on with a token.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from guestwright.engine.api.app import build
from guestwright.engine.api.parts import Parts
from guestwright.engine.guests.host_guests import HostGuests
from guestwright.engine.hosts.addresses import HostAddresses
from guestwright.engine.page.routes import add_page
from guestwright.engine.payloads.keys import KeyRing
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.process.certificate import Certificate
from guestwright.engine.process.errors import EnginePartFailed
from guestwright.engine.process.following import start_following
from guestwright.engine.process.opening import Opened, open_all
from guestwright.engine.process.server import WebServer
from guestwright.engine.process.settings import KEYS, Settings
from guestwright.engine.process.upkeep import Upkeep
from guestwright.engine.process.working import start_jobs

_LOG: Final = logging.getLogger(__name__)


class Engine:
    """All parts. Its calls come from one thread.

    Args:
        settings: of the engine.
        clock: seconds since 1970.

    Attributes:
        settings: likewise.
        authority: path of the certificate by which others know the engine; "" without TLS.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.authority = ""
        self._clock = clock
        self._parts = ExitStack()
        self._server: WebServer | None = None

    def open(self) -> Opened:
        """Open directory and database; nothing works yet.

        Raises:
            GuestwrightError: see `open_all`; `stop` ends what was started.
        """
        return open_all(self._parts, self.settings, self._clock)

    def start(self, opened: Opened) -> str:
        """Start all parts; when it returns the engine does its work.

        Args:
            opened: by `open`.

        Returns:
            Where its interface is.

        Raises:
            GuestwrightError: a part cannot be started; `stop` ends those that were.
        """
        database = opened.database
        ring = KeyRing(self.settings.path(KEYS), os.urandom)
        payloads = Payloads(database, ring, limits=self.settings.payload_limits)
        addresses = HostAddresses(database, opened.identities)
        leads = start_following(self._parts, self.settings, database, addresses, self._clock)
        jobs = start_jobs(self._parts, self.settings, database, payloads, addresses, self._clock, leads)
        shown = Parts(
            database=database,
            users=opened.users,
            tokens=opened.tokens,
            payloads=payloads,
            jobs=jobs,
            guests=HostGuests(database, addresses),
            addresses=addresses,
            clock=self._clock,
        )
        certificate = Certificate(self.settings, self._clock) if self.settings.encrypted else None
        self.authority = "" if certificate is None else certificate.authority
        upkeep = Upkeep(database, addresses, self.settings, certificate, self._clock)
        self._parts.callback(upkeep.stop)
        upkeep.start()
        app = build(shown)
        add_page(app, shown, secure=certificate is not None)
        server = WebServer(app, self.settings, certificate)
        self._parts.callback(server.stop)
        server.start()
        self._server = server
        _LOG.info("the engine answers at %s", server.url)
        return server.url

    def check(self) -> None:
        """Raise `EnginePartFailed` if a part has ended by itself."""
        if self._server is not None and not self._server.running:
            raise EnginePartFailed(problem="its interface has ended")

    def stop(self) -> None:
        """End all parts; what they hold is kept. May be called twice."""
        self._parts.close()
