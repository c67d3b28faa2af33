"""The engine's interface as a part of the process: an event loop in a thread, one socket, TLS where wanted.

Theory of operation: the socket is made first, so that an address that is taken is an error at once and not a
line in a log. The loop's thread does nothing else; operations run in threads of their own. Stopping lets
answers that are under way finish for a few seconds; streams are ended.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import uvicorn
from starlette.applications import Starlette

from guestwright.engine.process.certificate import Certificate
from guestwright.engine.process.errors import EnginePortTaken
from guestwright.engine.process.settings import Settings
from guestwright.host.api.errors import CannotListen
from guestwright.host.api.listening import Address, listen_tcp

CONNECTIONS_MAX: Final = 1024
GRACE: Final = 3  # seconds for answers that are under way when the engine ends
_KEEP_ALIVE: Final = 60
_HEAD_MAX: Final = 32 << 10  # bytes of a request's line and headers
_START_SECONDS: Final = 180.0


class WebServer:
    """The interface, running.

    Args:
        app: what answers.
        settings: where.
        certificate: for TLS; None without.
    """

    def __init__(self, app: Starlette, settings: Settings, certificate: Certificate | None) -> None:
        self._settings = settings
        self._certificate = certificate
        self._server = _Server(_config(app, certificate))
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._close_streams: Callable[[], None] = app.state.close_streams
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-api", daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        host = self._settings.host
        port = self._settings.port if self._socket is None else self._socket.getsockname()[1]
        return f"{'https' if self._certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._server.started and not self._ended.is_set()

    def start(self) -> None:
        """Listen and answer; on return, it does.

        Raises:
            EnginePortTaken: the address is taken, or none of this machine's; or it did not start.
        """
        address = Address(host=self._settings.host, port=self._settings.port)
        shown = f"{self._settings.host}:{self._settings.port}"
        try:
            self._socket = listen_tcp(address)
        except CannotListen as error:
            raise EnginePortTaken(address=shown, problem=error.params["problem"]) from error
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if self._ended.wait(0.01) or time.monotonic() > end:
                self.stop()
                raise EnginePortTaken(address=shown, problem="the server did not start; see the log")

    def stop(self) -> None:
        """End it, and wait for the end. May be called twice."""
        loop = self._loop
        if loop is not None and not self._ended.is_set():
            with suppress(RuntimeError):  # the loop has ended; so have the streams
                loop.call_soon_threadsafe(self._close_streams)
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(GRACE * 5)
        if self._socket is not None:
            self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ended.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve([self._socket] if self._socket else None)


class _Server(uvicorn.Server):
    """Without signals: those are the process's."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)


def _config(app: Starlette, certificate: Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=_HEAD_MAX,
        ssl_context_factory=None if certificate is None else (lambda *_: certificate.context),
    )
