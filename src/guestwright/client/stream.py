"""Server-sent events, as far as the engine uses them, without sockets.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from guestwright.base.record import record

LINE_MAX: Final = 4 << 20
_FIELDS: Final = ("id", "event", "data")


@record
class Event:
    """One event.

    Attributes:
        token: after which to go on.
        kind: what happened; "missed" when events are gone: then all must be read anew.
        subject: id of what it happened to; "" for none.
        at: seconds since 1970; 0.0 when the engine does not say.
        body: more, by kind.
    """

    token: str
    kind: str
    subject: str
    at: float
    body: Any


class Parser:
    """Takes the stream apart.

    Attributes:
        token: the last event's; None before the first one.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self._rest = b""
        self._fields: dict[str, str] = {}

    def take(self, data: bytes) -> Iterator[tuple[str, str, str]]:
        """Token, name and data of each event that is complete with more of the stream.

        Raises:
            ValueError: a line is longer than `LINE_MAX`.
        """
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LINE_MAX or sum(map(len, self._fields.values())) > LINE_MAX:
            raise ValueError(f"an event of more than {LINE_MAX} bytes")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if text:
                self._note(text)
                continue
            fields, self._fields = self._fields, {}
            self.token = fields.get("id", self.token)
            if "data" in fields:
                yield self.token or "", fields.get("event", "message"), fields["data"]

    def _note(self, text: str) -> None:
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and "data" in self._fields:
            self._fields["data"] += "\n" + value
        elif name in _FIELDS and "\0" not in value:
            self._fields[name] = value


def event_of(token: str, found: Any) -> Event:
    """An event, of the JSON that the engine sends.

    Raises:
        TypeError, KeyError, ValueError: it is none.
    """
    return Event(
        token=token,
        kind=str(found["kind"]),
        subject=str(found["subject"]),
        at=float(found["at"]),
        body=found["body"],
    )
