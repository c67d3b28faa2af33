"""A connection to an engine, for asyncio: it only moves bytes."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Generator
from typing import TypeVar

from guestwright.client.address import Server
from guestwright.client.errors import EngineLost, EngineNotTrusted, EngineUnreachable
from guestwright.client.line import CONNECT_SECONDS, IDLE
from guestwright.client.trust import check_certificate
from guestwright.client.wire import Wire

T = TypeVar("T")
_PIECE = 256 << 10


class AsyncLine:
    """One connection, encrypted and checked; made by `connect`."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wire = Wire(server)
        self._server = server
        self._reader = reader
        self._writer = writer
        self._used = time.monotonic()

    async def run(self, moves: Generator[bytes | None, bytes, T], seconds: float, what: str) -> T:
        """Move bytes until an exchange is over; see `Line.run`."""
        given = b""
        try:
            async with asyncio.timeout(seconds):
                out = next(moves)
                while True:
                    if out is None:
                        given = await self._reader.read(_PIECE)
                    else:
                        self._writer.write(out)
                        await self._writer.drain()
                        given = b""
                    out = moves.send(given)
        except StopIteration as ended:
            self._used = time.monotonic()
            found: T = ended.value
            return found
        except OSError as error:  # TimeoutError is one
            late = isinstance(error, TimeoutError)
            problem = f"no answer in {seconds:g} s" if late else error.strerror or str(error)
            raise EngineLost(server=str(self._server), request=what, problem=problem) from error

    def usable(self) -> bool:
        """Whether another request may be sent."""
        if time.monotonic() - self._used > IDLE or not self.wire.again():
            return False
        return not (self._reader.at_eof() or self._writer.is_closing())

    def close(self) -> None:
        """Close it, at once: a farewell of TLS would be waited for, and all that was asked for is here."""
        self._writer.transport.abort()


async def connect(server: Server, context: ssl.SSLContext | None) -> AsyncLine:
    """Make a connection.

    Raises:
        EngineUnreachable, EngineNotTrusted: there is none.
    """
    name = server.host if context else None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                server.host, server.port, ssl=context, server_hostname=name
            )
    except ssl.SSLError as error:
        raise EngineNotTrusted(server=str(server), problem=error.reason or str(error)) from error
    except OSError as error:
        problem = error.strerror or str(error) or "no answer"
        raise EngineUnreachable(server=str(server), problem=problem) from error
    try:
        check_certificate(server, writer.get_extra_info("ssl_object"))
        return AsyncLine(server, reader, writer)
    except BaseException:
        writer.transport.abort()
        raise
