"""Requests to a host service and their answers: JSON, or the service's error raised here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http.client import HTTPException, HTTPResponse
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

from guestwright.host.client.address import Address
from guestwright.host.client.connection import Connection
from guestwright.host.client.errors import HostAnswerBad, HostLost, HostRefused

SECONDS: Final = 330.0  # the longest operation of the service (power) has 300
ANSWER_MAX: Final = 256 << 20


class Asking:
    """Asks one service; for one thread at a time.

    Args:
        address: of the service.
        seconds: to wait for an answer.
    """

    def __init__(self, address: Address, seconds: float = SECONDS) -> None:
        self.address = address
        self._connection = Connection(address, seconds)

    def get(self, path: str, **query: Any) -> Any:
        """GET; see `ask`. Parameters that are None or "" are left out."""
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return self.ask("GET", path + (f"?{urlencode(given)}" if given else ""))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST; see `ask`."""
        return self.ask("POST", path, body)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request and its answer.

        Args:
            method: of HTTP.
            path: with the query, quoted.
            body: to be sent as JSON; None for none.

        Returns:
            the answer's JSON.

        Raises:
            HostRefused: the service's own error.
            HostUnreachable, HostNotTrusted, HostLost, HostAnswerBad: there is no answer.
        """
        if body is None:
            answer = self.open(method, path)
        else:
            data = json.dumps(body, separators=(",", ":")).encode()
            answer = self.open(method, path, data, {"Content-Type": "application/json"})
        return self._json(f"{method} {path}", self._read(answer, f"{method} {path}"))

    def open(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        kept: int = 0,
    ) -> HTTPResponse:
        """Send a request; an answer that is to be read by the caller, whole, before the next request.

        Args:
            method: of HTTP.
            path: with the query, quoted.
            body: as `Connection.request` takes it.
            headers: by name.
            kept: a status above 400 that is an answer like others.

        Raises:
            HostRefused, HostUnreachable, HostNotTrusted, HostLost: it was not done, or may have been.
        """
        answer = self._connection.request(method, path, body, headers)
        if answer.status < 400 or answer.status == kept:
            return answer
        what = f"{method} {path}"
        found = self._json(what, self._read(answer, what))
        error = found.get("error") if isinstance(found, dict) else None
        if not isinstance(error, dict):
            raise HostAnswerBad(
                address=str(self.address), request=what[:200], problem=f"HTTP {answer.status}"
            )
        raise HostRefused.of(answer.status, error)

    def take(self, answer: HTTPResponse, what: str) -> Any:
        """The JSON of an answer that was opened; `what` was asked, for errors.

        Raises:
            HostLost, HostAnswerBad: there is none.
        """
        return self._json(what, self._read(answer, what))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def abort(self) -> None:
        """Break the connection for good, from another thread; see `Connection.abort`."""
        self._connection.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, answer: HTTPResponse, what: str) -> bytes:
        try:
            if answer.length is not None and answer.length > ANSWER_MAX:
                raise HostAnswerBad(address=str(self.address), request=what[:200], problem="it is too long")
            return answer.read(None if answer.length is not None else ANSWER_MAX)
        except (OSError, HTTPException) as error:
            self.close()
            problem = str(error) or type(error).__name__
            raise HostLost(address=str(self.address), request=what[:200], problem=problem) from error

    def _json(self, what: str, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise HostAnswerBad(address=str(self.address), request=what[:200], problem="no JSON") from error
