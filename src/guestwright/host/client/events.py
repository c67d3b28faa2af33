"""The event stream of a host service: for ever, over restarts and lost connections, each event once.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, as far as the
service uses it (fields `id`, `event`, `data` of one line, comments).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import urlencode

from guestwright.base.record import record
from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostAnswerBad, HostLost, HostRefused, HostUnreachable

SILENCE: Final = 45.0  # seconds: three of the service's heartbeats
LINE_MAX: Final = 4 << 20
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before the next attempt; the last one for all others


@record
class HostEvent:
    """One event.

    Attributes:
        token: after which to go on.
        kind: what happened; "missed" when events are gone: `data` has their number and subjects, or None.
        subject: uuid of a domain, id of a job, "" for the service.
        time: seconds since 1970; 0.0 for "missed".
        data: more, by kind.
    """

    token: str
    kind: str
    subject: str
    time: float
    data: dict[str, Any]


class Events:
    """Follows the stream.

    Args:
        address: of the service.
        after: token after which to begin; "" for now, "0" for the oldest event that is kept.
        kinds: which kinds; all without any.
        subject: of whom; all without it.
        patience: seconds to try to connect again after a loss before it is an error; 0 for none.
        follow: whether to wait for more; without it, it ends where the stream ended at the beginning.
        sleep: waits, seconds.
    """

    def __init__(
        self,
        address: Address,
        *,
        after: str = "",
        kinds: tuple[str, ...] = (),
        subject: str = "",
        patience: float = 3600.0,
        follow: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.token = after
        self._address = address
        self._query = {"kinds": ",".join(kinds), "subject": subject}
        self._patience = patience
        self._follow = follow
        self._sleep = sleep
        self._lock = threading.Lock()
        self._client: HostClient | None = None
        self._stopped = False

    def __iter__(self) -> Iterator[HostEvent]:
        """Events, until the caller stops.

        Raises:
            HostUnreachable, HostLost: for longer than `patience`.
            HostRefused, HostNotTrusted, HostAnswerBad: it will not get better.
        """
        attempt, since = 0, time.monotonic()
        if not self._follow:
            yield from filter(None, self.once())
            return
        while True:
            try:
                for event in self.once():
                    attempt, since = 0, time.monotonic()
                    if event is not None:
                        yield event
            except (HostUnreachable, HostLost):
                if time.monotonic() - since >= self._patience:
                    raise
            except HostRefused as error:
                if error.status != 503 or time.monotonic() - since >= self._patience:
                    raise
            self._sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt += 1

    def stop(self) -> None:
        """End `once` for good, from another thread: it raises `HostLost`."""
        with self._lock:
            self._stopped = True
            client = self._client
        if client is not None:
            client.abort()

    def once(self) -> Iterator[HostEvent | None]:
        """What comes with one connection.

        Returns:
            Events, and None for what only says that the stream is there; the first thing that comes says so.

        Raises:
            HostUnreachable, HostLost, HostRefused, HostNotTrusted, HostAnswerBad: there is none, or no more.
        """
        query = {name: value for name, value in self._query.items() if value}
        if self.token:
            query["after"] = self.token
        if not self._follow:
            query["follow"] = "false"
        with HostClient(self._address, SILENCE) as client:
            with self._lock:
                self._client, stopped = client, self._stopped
            if stopped:
                client.abort()
            answer = client.open("GET", "/v1/events?" + urlencode(query))
            yield from self._messages(answer)

    def _messages(self, answer: HTTPResponse) -> Iterator[HostEvent | None]:
        """Dispatched events; None for what only says that the service is there."""
        fields: dict[str, str] = {}
        while line := self._line(answer):
            text = line.decode("utf-8", "replace").rstrip("\n")
            if text:
                name, _, value = text.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            token = fields.get("id", self.token)
            event = self._event(fields, token) if "data" in fields else None
            fields = {}
            self.token = token
            yield event

    def _line(self, answer: HTTPResponse) -> bytes:
        try:
            line = answer.readline(LINE_MAX)
        except (OSError, HTTPException) as error:
            problem = str(error) or type(error).__name__
            raise HostLost(address=str(self._address), request="events", problem=problem) from error
        if line and not line.endswith(b"\n"):
            raise HostLost(address=str(self._address), request="events", problem="the stream broke off")
        return line

    def _event(self, fields: dict[str, str], token: str) -> HostEvent:
        try:
            found = json.loads(fields["data"])
            if fields.get("event") == "missed":
                return HostEvent(token=token, kind="missed", subject="", time=0.0, data=dict(found))
            return HostEvent(
                token=token,
                kind=str(found["kind"]),
                subject=str(found["subject"]),
                time=float(found["time"]),
                data=dict(found["data"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise HostAnswerBad(address=str(self._address), request="events", problem=str(error)) from error
