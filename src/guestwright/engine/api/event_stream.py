"""The stream of events over HTTP: server-sent events, resumed by `Last-Event-ID`.

Theory of operation: each event carries its token as `id`, so a client that comes back with the last one goes
on behind it. When events between are gone, or the database is another one, an event `missed` comes first:
the client then reads anew what it knows. Whoever listens is asked for again now and then, so that a token
that was revoked does not go on listening. A client that takes nothing for a while is let go, and comes back
by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guestwright.engine.api.follower import Follower, Taken, Wanted
from guestwright.http_api.sse import HEADERS, HEARTBEAT, RETRY, place, put, until_gone

RECHECK: Final = 10.0  # seconds


class EventStream(Response):
    """An endless answer.

    Args:
        follower: of the stream.
        token: where it begins.
        wanted: which events.
        accept: raises when the caller may listen no more; blocks.
    """

    def __init__(self, follower: Follower, token: str, wanted: Wanted, accept: Callable[[], object]) -> None:
        super().__init__()
        self._follower = follower
        self._token = token
        self._wanted = wanted
        self._accept = accept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client goes, takes nothing, may not listen, or the follower is closed."""
        del scope
        await until_gone(self._send(send), receive)

    async def _send(self, send: Send) -> None:
        number = (b"x-request-id", self.headers.get("x-request-id", "").encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, number]})
        await put(send, RETRY + place(self._token))
        checked = time.monotonic()
        with self._follower.listening() as news:
            while not self._follower.closed:
                news.clear()
                taken = await self._follower.take(self._token, self._wanted)
                self._token = taken.token
                text = _text(taken)
                if text:
                    await put(send, text)
                if time.monotonic() - checked > RECHECK:
                    await self._follower.run(self._accept)
                    checked = time.monotonic()
                if not text and not taken.more:
                    await self._quiet(send, news)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _quiet(self, send: Send, news: asyncio.Event) -> None:
        """Wait for something new; tell the place now and then meanwhile."""
        try:
            await asyncio.wait_for(news.wait(), HEARTBEAT)
        except TimeoutError:
            await put(send, b":\n" + place(self._token))


def _text(taken: Taken) -> bytes:
    text = b"".join(one.text for one in taken.lines)
    if not taken.missed:
        return text
    epoch, _, last = taken.token.partition(".")
    first = taken.lines[0].sequence - 1 if taken.lines else int(last)
    return b"id: %s.%d\nevent: missed\ndata: {}\n\n" % (epoch.encode(), first) + text
