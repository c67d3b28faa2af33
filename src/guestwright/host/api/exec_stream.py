"""The answer that follows a program in a guest: a line of JSON for each thing that happens.

Theory of operation: the call waits for the guest in a thread of its own and hands over one piece at a time,
so a caller who reads slowly slows down the guest's program, and nothing piles up here. The first line names
the process, for its input; then come lines with "out" or "err" (Base64), and at last "ended", or "error". An
empty object every 15 s shows that the line is alive. A caller who goes away ends the program.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guestwright.base.errors import GuestwrightError
from guestwright.host.acting.calls import Running
from guestwright.host.api.wire import encode

HEARTBEAT: Final = 15.0  # seconds
PATIENCE: Final = 60.0  # seconds in which a caller has to take something
_MEDIA: Final = "application/x-ndjson"


class ExecStream(Response):
    """Sends what a program writes.

    Args:
        process: its name, for its input.
        running: the call, begun.
        follow: its output; see `GuestCalls.follow`.
        ended: how it ended, as the last line says it.
        close: called once at the end.
    """

    def __init__(
        self,
        process: str,
        running: Running,
        follow: Iterator[tuple[str, bytes]],
        ended: Callable[[], Any],
        close: Callable[[], None],
    ) -> None:
        super().__init__(media_type=_MEDIA, headers={"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._process = process
        self._running = running
        self._follow = follow
        self._ended = ended
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Follow it to its end, or until the caller has gone."""
        del scope
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[bytes] = asyncio.Queue(1)
        thread = threading.Thread(target=self._work, args=(loop, lines), name="exec", daemon=True)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        thread.start()
        sending = asyncio.ensure_future(self._send(lines, send))
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not sending.done() or sending.exception() is not None:
                await asyncio.to_thread(self._running.cancel, "the caller has gone")
            for one in (sending, leaving):
                one.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            while thread.is_alive():  # whatever it still brings is for nobody
                with suppress(TimeoutError):
                    await asyncio.wait_for(lines.get(), 0.05)
            self._close()

    def _work(self, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
        """In the thread: from the guest to the queue."""

        def put(line: Any) -> None:
            with suppress(RuntimeError):  # the loop has ended, and so has the server
                asyncio.run_coroutine_threadsafe(lines.put(encode(line) + b"\n"), loop).result()

        put({"process": self._process})
        try:
            for stream, data in self._follow:
                put({stream: data})
            last = {"ended": self._ended()}
        except GuestwrightError as error:
            last = {"error": error.as_dict()}
        put(last)
        put({})

    async def _send(self, lines: asyncio.Queue[bytes], send: Send) -> None:
        over = False
        while True:
            try:
                line = await asyncio.wait_for(lines.get(), HEARTBEAT)
            except TimeoutError:
                line = b"{}\n"
            else:
                if over:
                    break
                over = line.startswith((b'{"ended"', b'{"error"'))
            async with asyncio.timeout(PATIENCE):
                await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
