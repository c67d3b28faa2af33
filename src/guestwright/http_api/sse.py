"""Server-sent events: what an endless answer needs, whatever its events are.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from starlette.types import Receive, Send

HEARTBEAT: Final = 15.0  # seconds without events after which the place in the stream is sent
PATIENCE: Final = 60.0  # seconds that a client may take to accept what is sent
RETRY: Final = b"retry: 1000\n\n"  # milliseconds until a client comes back
HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


async def until_gone(sending: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Send, until that is over or the client has gone; errors of sending end it quietly.

    Args:
        sending: sends the answer.
        receive: of the request.
    """
    tasks = (asyncio.ensure_future(sending), asyncio.ensure_future(_gone(receive)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def put(send: Send, data: bytes) -> None:
    """Send a piece of the answer.

    Raises:
        TimeoutError: the client takes nothing.
    """
    async with asyncio.timeout(PATIENCE):
        await send({"type": "http.response.body", "body": data, "more_body": True})


def place(token: str) -> bytes:
    """The place in the stream alone: sets what the client comes back with, and is no event."""
    return b"id: %s\n\n" % token.encode()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
