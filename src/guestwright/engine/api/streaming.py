"""Bodies that are too large to be held: requests whose bytes are passed on as they come, answers likewise.

Theory of operation: the event loop moves bytes, and whatever takes or gives them does so in threads, one
piece at a time. While a piece is passed on no more is read, so that the caller is as fast as the slowest part
of the way and nothing piles up here. What came of a request before it broke off counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.http_api.errors import BadRequest, BodyLate

PIECE: Final = 4 << 20
"""Bytes that are passed on at once to where an upload goes."""
_SENT: Final = 256 << 10
STALL: Final = 60.0  # seconds that a caller may take for a piece
BYTES: Final = "application/octet-stream"
_LOG: Final = logging.getLogger(__name__)

Run = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does something in a thread."""


@record
class Incoming:
    """What an operation returns that takes the body of its request by pieces.

    Attributes:
        operation: its name.
        start: where the bytes belong.
        length: how many are announced; None when that is not said.
        most: of them.
        write: takes a piece and where it belongs; in a thread, one after the other.
        after: the answer, asked when all was written; in a thread.
        close: called once at the end; does not block.
    """

    operation: str
    start: int
    length: int | None
    most: int
    write: Callable[[int, bytes], None]
    after: Callable[[], Any]
    close: Callable[[], None]


class Source(Protocol):
    """What an answer comes from."""

    @property
    def status(self) -> int:
        """Of HTTP."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Of HTTP, `Content-Length` among them."""

    def read(self, length: int) -> bytes:
        """More of it, in a thread; b"" at its end. May raise a `GuestwrightError`: it broke off."""

    def close(self) -> None:
        """Called once at the end; does not block."""


async def taken(request: Request, incoming: Incoming, run: Run) -> Any:
    """Pass the body of a request on.

    Returns:
        What the operation answers.

    Raises:
        BadRequest, BodyLate, ClientDisconnect: it is not what was announced, stalls or breaks off.
        GuestwrightError: of what takes it.
    """
    try:
        at = await _passed_on(request, incoming, run)
        if incoming.length is not None and at != incoming.start + incoming.length:
            raise _wrong(incoming, "fewer bytes than Content-Range says")
        return await run(incoming.after)
    finally:
        incoming.close()


async def _passed_on(request: Request, incoming: Incoming, run: Run) -> int:
    """Pass all of it on; where its end is."""
    at, held = incoming.start, bytearray()
    end = incoming.start + (incoming.most if incoming.length is None else incoming.length)
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout(STALL):
                part = await anext(stream, None)
            if part is None:
                break
            held += part
            if at + len(held) > end:
                held.clear()
                raise _wrong(incoming, "more bytes than were announced")
            if len(held) >= PIECE:
                data = bytes(held)
                held.clear()
                await run(partial(incoming.write, at, data))
                at += len(data)
    except TimeoutError:
        raise BodyLate(operation=incoming.operation, seconds=int(STALL)) from None
    finally:
        if held:
            await run(partial(incoming.write, at, bytes(held)))
            at += len(held)
    return at


def _wrong(incoming: Incoming, problem: str) -> BadRequest:
    return BadRequest(what="body", operation=incoming.operation, problem=problem)


class Outgoing(Response):
    """Sends what a source gives.

    Args:
        source: closed at the end.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(status_code=source.status, media_type=BYTES)
        self.run: Run | None = None
        self._source = source
        for name, value in source.headers.items():
            self.headers[name] = value
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Content-Type-Options"] = "nosniff"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as fast as the other side takes it; when it breaks off the connection is closed."""
        del receive
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            left = 0 if scope["method"] == "HEAD" else int(self.headers["content-length"])
            if not await self._sent(send, left):
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._source.close()

    async def _sent(self, send: Send, left: int) -> bool:
        """Send so many bytes; whether all were sent."""
        run = self.run
        assert run is not None
        try:
            while left:
                piece = await run(partial(self._source.read, min(_SENT, left)))
                if not piece:
                    _LOG.warning("a download broke off: its host gives no more")
                    return False
                left -= len(piece)
                async with asyncio.timeout(STALL):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except GuestwrightError as error:
            _LOG.warning("a download broke off: %s", error.message)
            return False
        except (TimeoutError, ClientDisconnect):
            _LOG.info("a download broke off: its caller takes nothing")
            return False
        return True
