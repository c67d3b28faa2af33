"""The event stream over HTTP: server-sent events, resumed by `Last-Event-ID`.

Theory of operation: each stream is a reader of the journal; what wakes it is a call into the event loop, so
an event is on its way as soon as it is published. Each event carries its token as `id`, so a client that
comes back with the last one goes on behind it. When events are gone by then, or the service was started anew,
an event `missed` says how many and whose; the client then reads those things again. A client that takes
nothing for a while is let go: it comes back by itself and is told.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guestwright.host.api.tally import Tally
from guestwright.host.api.wire import encode
from guestwright.host.event_ring import Batch, Event, Token, Wanted
from guestwright.host.journal import Journal
from guestwright.http_api.sse import HEADERS, HEARTBEAT, RETRY, place, put, until_gone


class EventStream(Response):
    """An endless answer.

    Args:
        journal: what is followed.
        token: where it begins; at the present end without it.
        wanted: which events.
        tally: counters.
        close: called once at the end.
        last: where to stop; never without it.
    """

    def __init__(
        self,
        journal: Journal,
        token: Token | None,
        wanted: Wanted,
        tally: Tally,
        close: Callable[[], None],
        *,
        last: Token | None = None,
    ) -> None:
        super().__init__()
        self._journal = journal
        self._token = token
        self._wanted = wanted
        self._tally = tally
        self._close = close
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client goes, takes nothing, or the journal is closed."""
        del scope
        self._tally.opened()
        try:
            await until_gone(self._send(send), receive)
        finally:
            self._tally.closed()
            self._close()

    async def _send(self, send: Send) -> None:
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended; so has this stream
                loop.call_soon_threadsafe(news.set)

        headers = [
            *HEADERS,
            *((b"x-request-id", one.encode()) for one in self.headers.getlist("x-request-id")),
        ]
        with self._journal.reader(self._token, self._wanted, wake) as reader:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await put(send, RETRY + place(str(reader.token)))
            while True:
                news.clear()
                batch = reader.take()
                text = b"" if batch.whole else self._missed(batch)
                text += b"".join(_event(one, batch.token) for one in batch.events)
                if text:
                    await put(send, text)
                if self._over(batch):
                    break
                if not batch.events and not batch.behind:
                    try:
                        await asyncio.wait_for(news.wait(), HEARTBEAT)
                    except TimeoutError:
                        await put(send, b":\n" + place(str(batch.token)))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _over(self, batch: Batch) -> bool:
        if self._last is not None and batch.token.sequence >= self._last.sequence:
            return True
        return self._journal.closed and not batch.behind

    def _missed(self, batch: Batch) -> bytes:
        self._tally.missed(batch.missed or 0)
        subjects = None if batch.subjects is None else sorted(batch.subjects)
        body = encode({"events": batch.missed, "subjects": subjects})
        first = batch.events[0].sequence - 1 if batch.events else batch.token.sequence
        return b"id: %s.%d\nevent: missed\ndata: %s\n\n" % (batch.token.epoch.encode(), first, body)


def _event(event: Event, token: Token) -> bytes:
    """One event; JSON as msgspec writes it has no line breaks."""
    head = encode({"kind": event.kind, "subject": event.subject, "time": event.time})
    return b'id: %s.%d\nevent: %s\ndata: %s,"data":%s}\n\n' % (
        token.epoch.encode(),
        event.sequence,
        event.kind.encode(),
        head[:-1],
        event.body,
    )
