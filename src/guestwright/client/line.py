"""A connection to an engine, blocking: it only moves bytes."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Generator
from typing import Final, TypeVar

from guestwright.client.address import Server
from guestwright.client.errors import EngineLost, EngineNotTrusted, EngineUnreachable
from guestwright.client.trust import check_certificate
from guestwright.client.wire import Wire

T = TypeVar("T")
CONNECT_SECONDS: Final = 10.0
IDLE: Final = 4.0
"""Seconds after which a connection is not used again: uvicorn closes it after 5."""
_PIECE: Final = 256 << 10


class Line:
    """One connection, encrypted and checked.

    Raises:
        EngineUnreachable, EngineNotTrusted: there is none.
    """

    def __init__(self, server: Server, context: ssl.SSLContext | None) -> None:
        self.wire = Wire(server)
        self._server = server
        self._used = time.monotonic()
        try:
            bare = socket.create_connection((server.host, server.port), timeout=CONNECT_SECONDS)
            self._socket = _encrypted(bare, server, context)
        except ssl.SSLError as error:
            raise EngineNotTrusted(server=str(server), problem=error.reason or str(error)) from error
        except OSError as error:
            problem = error.strerror or str(error) or "no answer"
            raise EngineUnreachable(server=str(server), problem=problem) from error

    def run(self, moves: Generator[bytes | None, bytes, T], seconds: float, what: str) -> T:
        """Move bytes until an exchange is over.

        Args:
            moves: of `Wire`.
            seconds: for all of it.
            what: is asked, for errors.

        Raises:
            EngineLost: it broke, or took too long. And what `Wire` raises.
        """
        end = time.monotonic() + seconds
        given = b""
        try:
            out = next(moves)
            while True:
                self._socket.settimeout(max(0.001, end - time.monotonic()))
                if out is None:
                    given = self._socket.recv(_PIECE)
                else:
                    self._socket.sendall(out)
                    given = b""
                if time.monotonic() > end:
                    raise TimeoutError
                out = moves.send(given)
        except StopIteration as ended:
            self._used = time.monotonic()
            found: T = ended.value
            return found
        except OSError as error:
            late = isinstance(error, TimeoutError)
            problem = f"no answer in {seconds:g} s" if late else error.strerror or str(error)
            raise EngineLost(server=str(self._server), request=what, problem=problem) from error

    def usable(self) -> bool:
        """Whether another request may be sent."""
        if time.monotonic() - self._used > IDLE or not self.wire.again():
            return False
        return not select.select([self._socket], [], [], 0)[0]  # it speaks unasked: that is its end

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def _encrypted(bare: socket.socket, server: Server, context: ssl.SSLContext | None) -> socket.socket:
    if context is None:
        return bare
    made: ssl.SSLSocket | None = None
    try:
        made = context.wrap_socket(bare, server_hostname=server.host)
        check_certificate(server, made)
    except BaseException:
        (made or bare).close()
        raise
    return made
