"""Files over HTTP by ranges: sent, received, and gone on with after a break.

Theory of operation: RFC 9110, section 14. A download answers one `Range` with 206 and has an `ETag`; with
`If-Range` a client that goes on gets the rest only if the file is still the same, else all of it. An upload
says with `Content-Range` where its bytes belong; the answer says what is still missing, and so does a request
for that after a break. The event loop moves bytes, files are read and written in threads, a piece at a time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guestwright.base.record import record
from guestwright.host.api.replies import reply
from guestwright.http_api.errors import BadRequest, BodyLate

PIECE: Final = 1 << 20
STALL: Final = 60.0  # seconds that the other side may take for a piece
_RANGE: Final = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")


class Readable(Protocol):
    """What can be downloaded."""

    size: int
    tag: str

    def read(self, offset: int, length: int) -> bytes:
        """A range."""

    def close(self) -> None:
        """Let go of it."""


class Writable(Protocol):
    """Where an upload goes."""

    def write(self, offset: int, data: bytes) -> None:
        """Write a range."""


@record
class Span:
    """Bytes from `start` up to `end`, which does not belong to them; `part` when they are not all."""

    start: int
    end: int
    part: bool


def wanted_span(headers: Mapping[str, str], size: int, tag: str) -> Span | None:
    """Which bytes a request for a download asks for; None for none that there are.

    Args:
        headers: of the request.
        size: bytes that there are.
        tag: of the file as it is.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    condition = headers.get("if-range", "")
    if found is None or found[1] == found[2] == "" or condition not in ("", f'"{tag}"'):
        return Span(start=0, end=size, part=False)
    if found[1] == "":
        length = min(int(found[2]), size)
        return Span(start=size - length, end=size, part=True) if length else None
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    if found[2] and int(found[2]) < start:
        return Span(start=0, end=size, part=False)  # RFC 9110, 14.1.1: an invalid range is ignored
    return Span(start=start, end=end, part=True) if start < size else None


def given_start(headers: Mapping[str, str], operation: str) -> tuple[int, int | None]:
    """Where the bytes of an upload begin, and how many are announced (None when that is not said).

    Raises:
        BadRequest: `Content-Range` is not `bytes FIRST-LAST/TOTAL`.
    """
    text = headers.get("content-range", "")
    if not text:
        return 0, None
    found = _CONTENT_RANGE.fullmatch(text)
    if found is None or int(found[2]) < int(found[1]):
        raise BadRequest(what="Content-Range", operation=operation, problem="expected bytes FIRST-LAST/TOTAL")
    return int(found[1]), int(found[2]) + 1 - int(found[1])


class Download(Response):
    """Sends a file, or one range of it.

    Args:
        source: closed at the end.
        headers: of the request.
        close: called once at the end.
    """

    def __init__(self, source: Readable, headers: Mapping[str, str], close: Callable[[], None]) -> None:
        self._source = source
        self._close = close
        self._span = wanted_span(headers, source.size, source.tag)
        span = self._span or Span(start=0, end=0, part=True)
        status = 416 if self._span is None else 206 if span.part else 200
        super().__init__(status_code=status, media_type="application/octet-stream")
        self.headers["Content-Length"] = str(span.end - span.start)
        self.headers["Accept-Ranges"] = "bytes"
        self.headers["ETag"] = f'"{source.tag}"'
        self.headers["Cache-Control"] = "no-store"
        if self._span is None:
            self.headers["Content-Range"] = f"bytes */{source.size}"
        elif span.part:
            self.headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{source.size}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as fast as the other side takes it."""
        del receive
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            span = self._span or Span(start=0, end=0, part=True)
            at = span.end if scope["method"] == "HEAD" else span.start
            while at < span.end:
                piece = await asyncio.to_thread(self._source.read, at, min(PIECE, span.end - at))
                if not piece:
                    return  # it became shorter: the other side sees that the answer is not whole
                at += len(piece)
                async with asyncio.timeout(STALL):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await asyncio.to_thread(self._source.close)
            self._close()


class Upload(Response):
    """Takes the bytes of an upload.

    Args:
        operation: name of the endpoint, for errors.
        open_: opens what is written, in a thread.
        after: what to answer, asked in a thread when all is written.
        headers: of the request.
        close: called once at the end.
    """

    def __init__(
        self,
        operation: str,
        open_: Callable[[], AbstractContextManager[Writable]],
        after: Callable[[], Any],
        headers: Mapping[str, str],
        close: Callable[[], None],
    ) -> None:
        super().__init__()
        self._operation = operation
        self._open = open_
        self._after = after
        self._close = close
        self._start, self._length = given_start(headers, operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take it, and answer.

        Raises:
            BadRequest, BodyLate: it is not what was announced, or stalls; what came before is kept.
            GuestwrightError: of what is written.
        """
        try:
            target = await asyncio.to_thread(self._open)
            writer = target.__enter__()
            try:
                await self._take(Request(scope, receive), writer)
            finally:
                await asyncio.to_thread(target.__exit__, None, None, None)
            answer = reply(await asyncio.to_thread(self._after))
            answer.headers["X-Request-Id"] = self.headers["x-request-id"]
            await answer(scope, receive, send)
        finally:
            self._close()

    async def _take(self, request: Request, target: Writable) -> None:
        at, held = self._start, bytearray()
        stream = request.stream()
        while True:
            try:
                async with asyncio.timeout(STALL):
                    part = await anext(stream, None)
            except TimeoutError:
                raise BodyLate(operation=self._operation, seconds=int(STALL)) from None
            held += part or b""
            if self._length is not None and at + len(held) > self._start + self._length:
                raise self._wrong("more bytes than Content-Range says")
            if len(held) >= PIECE or (part is None and held):
                await asyncio.to_thread(target.write, at, bytes(held))
                at += len(held)
                held.clear()
            if part is None:
                break
        if self._length is not None and at != self._start + self._length:
            raise self._wrong("fewer bytes than Content-Range says")

    def _wrong(self, problem: str) -> BadRequest:
        return BadRequest(what="body", operation=self._operation, problem=problem)
