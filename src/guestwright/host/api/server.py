"""The API as a part of the service: an event loop in a thread, a unix socket, and TLS when it is wanted.

Theory of operation: one uvicorn server per socket, both in one event loop with one application. The loop's
thread does nothing else; operations run in threads of their own (`resource`). Starting is done when both
listen; stopping ends streams, lets answers that are under way finish for a few seconds, and removes the
socket.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from guestwright.host.api.app import identifier, make_app
from guestwright.host.api.callers import Access
from guestwright.host.api.endpoint import Endpoint
from guestwright.host.api.errors import CannotListen
from guestwright.host.api.listening import Address, listen_tcp, listen_unix
from guestwright.host.api.protocol import HEAD_MAX, HostProtocol
from guestwright.host.api.tally import Tally
from guestwright.host.api.tls import ServerContext
from guestwright.host.enrol.authority import Authority
from guestwright.host.enrol.errors import EnrolError
from guestwright.host.enrol.ledger import Revocations
from guestwright.host.journal import Journal

CONNECTIONS_MAX: Final = 512
KEEP_ALIVE: Final = 60  # seconds between two requests of a connection
GRACE: Final = 5  # seconds for answers that are under way when the service ends
RENEWAL: Final = 3600.0  # seconds between two looks at the service's certificate
_START_SECONDS: Final = 30.0
_LOG: Final = logging.getLogger(__name__)


class ApiServer:
    """The API, running.

    Args:
        endpoints: operations.
        journal: closed when the server stops, which ends the streams.
        unix: path of the unix socket.
        access: who on this host may use it.
        registry: what `/metrics` shows.
        tally: counters of the API.
        tls: where TLS is spoken; None for nowhere.
        authority: of the host; needed for TLS.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        journal: Journal,
        *,
        unix: str,
        access: Access,
        registry: CollectorRegistry,
        tally: Tally,
        tls: Address | None = None,
        authority: Authority | None = None,
    ) -> None:
        self._journal = journal
        self._unix = unix
        self._access = access
        self._authority = authority
        self._address = tls
        revocations = None if authority is None else Revocations(authority.ledger)
        self._app = make_app(endpoints, identifier(access, revocations), registry, tally)
        self._servers: list[_Server] = []
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)
        self._context: ServerContext | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()

    @property
    def port(self) -> int | None:
        """Of TLS; None without it."""
        return self._sockets[1].getsockname()[1] if len(self._sockets) > 1 else None

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive() and all(one.started for one in self._servers)

    def start(self) -> None:
        """Listen and answer; on return, it does.

        Raises:
            CannotListen: an address.
            NoServerCertificate: TLS is wanted and there is no certificate.
        """
        if self._address is not None and self._authority is not None:
            self._renew()
            self._context = ServerContext(self._authority)
        self._sockets.append(listen_unix(self._unix, self._access.group))
        try:
            if self._context is not None and self._address is not None:
                self._sockets.append(listen_tcp(self._address))
        except CannotListen:
            self._close_sockets()
            raise
        contexts = (None, None if self._context is None else self._context.context)
        self._servers = [
            _Server(_config(self._app, context)) for _, context in zip(self._sockets, contexts, strict=False)
        ]
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not all(one.started for one in self._servers):
            if self._ended.wait(0.005) or time.monotonic() > end:
                self.stop()
                raise CannotListen(address=self._unix, problem="the server did not start; see the log")

    def stop(self) -> None:
        """End streams and connections, and wait for the end. May be called twice."""
        self._stopping.set()
        self._journal.close()
        for one in self._servers:
            one.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(GRACE * 3)
        self._close_sockets()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ended.set()

    async def _serve(self) -> None:
        pairs = zip(self._servers, self._sockets, strict=True)
        upkeep = asyncio.create_task(self._keep_certificate())
        try:
            await asyncio.gather(*(server.serve([one]) for server, one in pairs))
        finally:
            upkeep.cancel()

    async def _keep_certificate(self) -> None:
        while self._context is not None:
            await asyncio.sleep(RENEWAL)
            await asyncio.to_thread(self._renew)
            with suppress(OSError, ssl.SSLError):
                if self._context.reload():
                    _LOG.info("the service has a new certificate")

    def _renew(self) -> None:
        if self._authority is None:
            return
        try:
            grant = self._authority.renew_server(time.time())
        except EnrolError as error:
            _LOG.error("the service's certificate cannot be renewed: %s", error.message)
            return
        if grant is not None:
            _LOG.info("the service's certificate was renewed", extra={"serial": grant.serial})

    def _close_sockets(self) -> None:
        if self._sockets:
            with suppress(OSError):
                os.unlink(self._unix)
        for one in self._sockets:
            one.close()
        self._sockets = []


class _Server(uvicorn.Server):
    """Without signals: those are the service's."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)


def _config(app: Starlette, context: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HostProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=HEAD_MAX,
        ssl_context_factory=None if context is None else (lambda *_: context),
    )
