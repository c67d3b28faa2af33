"""Following the engine's events: for ever, over restarts and lost connections, each event once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.client.address import Server
from guestwright.client.call import Answer, Request
from guestwright.client.errors import EngineAnswerBad, EngineBusy, EngineLost, EngineUnreachable
from guestwright.client.meaning import parsed, refusal
from guestwright.client.steps import Flow, Give, More, Open, Pause
from guestwright.client.stream import Event, Parser, event_of
from guestwright.client.wire import Head

SILENCE: Final = 60.0
"""Seconds without a sign of life, after which a connection counts as lost; the engine speaks every 15."""
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before the next attempt; the last one for all others


def follow(
    target: str,
    server: Server,
    now: Callable[[], float],
    *,
    after: str | None = None,
    patience: float = 3600.0,
) -> Flow[None]:
    """Give events.

    Args:
        target: path and query of the stream.
        server: where.
        now: seconds, of a steady clock.
        after: token after which to begin; "" for the oldest that is kept, None for now.
        patience: seconds for which a connection that was lost is tried again.

    Raises:
        EngineUnreachable, EngineLost, EngineBusy: for longer than `patience`.
        RemoteError: of other kinds, at once: they will not get better.
    """
    parser, tries, heard = Parser(after), 0, now()
    while True:
        try:
            head: Head = yield Open(_request(target, parser.token))
            yield from _begun(head, target, server)
            parser = Parser(parser.token)
            while data := (yield More(SILENCE)):
                tries, heard = 0, now()
                for event in _events(parser, data, server):
                    yield Give(event)
        except (EngineUnreachable, EngineLost, EngineBusy):
            if now() - heard >= patience:
                raise
        yield Pause(_PAUSES[min(tries, len(_PAUSES) - 1)])
        tries += 1


def _request(target: str, token: str | None) -> Request:
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if token is not None:
        headers["Last-Event-ID"] = token
    return Request(method="GET", target=target, headers=headers, seconds=SILENCE)


def _begun(head: Head, target: str, server: Server) -> Flow[None]:
    request = Request(method="GET", target=target)
    if head.status >= 400:
        body = b""
        while len(body) < 1 << 20 and (data := (yield More(SILENCE))):
            body += data
        raise refusal(server, request, Answer(status=head.status, headers=head.headers, body=body))
    kind = head.headers.get("content-type", "")
    if head.status != 200 or not kind.startswith("text/event-stream"):
        problem = f"HTTP {head.status}, {kind[:80]}, where events were asked for"
        raise EngineAnswerBad(server=str(server), request=str(request), problem=problem)


def _events(parser: Parser, data: bytes, server: Server) -> list[Event]:
    try:
        return [
            Event(token=token, kind="missed", subject="", at=0.0, body=parsed(text))
            if name == "missed"
            else event_of(token, parsed(text))
            for token, name, text in parser.take(data)
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineAnswerBad(server=str(server), request="GET events", problem=str(error)[:200]) from error
