"""HTTP/1.1 without sockets, over h11: what to send, and what it means that came.

Theory of operation: each exchange is a generator that yields bytes to be sent, or None to be given bytes that
were received (b"" when the other side has closed). The synchronous and the asynchronous client only move
bytes; all that is decided is decided here, once. Redirects are answers like others and are never followed:
the token would go along.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Final

from guestwright import __version__
from guestwright.base.record import record
from guestwright.base.secret import Secret
from guestwright.client.address import Server
from guestwright.client.call import Answer, Request
from guestwright.client.errors import ClientNotInstalled, EngineAnswerBad, EngineLost

if TYPE_CHECKING:
    import h11

ANSWER_MAX: Final = 64 << 20
"""Bytes of an answer's body."""
_HEAD_MAX: Final = 64 << 10
_INTERIM_MAX: Final = 8  # answers of 1xx before the real one
Moves = Generator[bytes | None, bytes]


@record
class Head:
    """How an answer begins. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


class Wire:
    """The protocol's state of one connection.

    Raises:
        ClientNotInstalled: h11 is missing.
    """

    def __init__(self, server: Server) -> None:
        try:
            import h11  # noqa: PLC0415 - no command's --help pays for it, and an installation may lack it
        except ImportError as error:
            raise ClientNotInstalled(package="h11") from error
        self._h11 = h11
        self._server = server
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_MAX)
        self._what = ""
        self._silent = True

    @property
    def untouched(self) -> bool:
        """Whether nothing of an answer has come since the request."""
        return self._silent

    def again(self) -> bool:
        """Whether another request may follow on this connection; makes ready for it."""
        done = self._h11.DONE
        if self._state.our_state is not done or self._state.their_state is not done:
            return False
        self._state.start_next_cycle()
        return True

    def ask(self, request: Request, token: Secret | None) -> Generator[bytes | None, bytes, Answer]:
        """A request and its whole answer.

        Raises:
            EngineLost: it broke off. EngineAnswerBad: it is no HTTP, or too long.
        """
        head = yield from self.open(request, token)
        parts, size = [], 0
        while data := (yield from self.more()):
            size += len(data)
            if size > ANSWER_MAX:
                raise self._bad(f"more than {ANSWER_MAX} bytes")
            parts.append(data)
        return Answer(status=head.status, headers=head.headers, body=b"".join(parts))

    def open(self, request: Request, token: Secret | None) -> Generator[bytes | None, bytes, Head]:
        """A request and the beginning of its answer.

        Raises:
            as `ask`.
        """
        self._what, self._silent = str(request), True
        yield self._sent(request, token)
        for _ in range(_INTERIM_MAX):
            event = yield from self._event()
            if isinstance(event, self._h11.Response):
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
                return Head(status=event.status_code, headers=headers)
            if not isinstance(event, self._h11.InformationalResponse):
                break
        raise self._bad("its answer does not begin")

    def more(self) -> Generator[bytes | None, bytes, bytes]:
        """A further piece of the answer's body; b"" at its end.

        Raises:
            as `ask`.
        """
        while True:
            event = yield from self._event()
            if isinstance(event, self._h11.Data):
                if event.data:
                    return bytes(event.data)
            else:
                return b""

    def _sent(self, request: Request, token: Secret | None) -> bytes:
        headers = {
            "Host": self._server.netloc,
            "User-Agent": f"guestwright/{__version__}",
            **request.headers,
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        if request.body is not None or request.method not in ("GET", "DELETE"):
            headers["Content-Length"] = str(len(request.body or b""))
        head = self._h11.Request(
            method=request.method, target=self._server.prefix + request.target, headers=list(headers.items())
        )
        out = self._state.send(head) or b""
        if request.body:
            out += self._state.send(self._h11.Data(data=request.body)) or b""
        return out + (self._state.send(self._h11.EndOfMessage()) or b"")

    def _event(self) -> Generator[bytes | None, bytes, h11.Event | type[h11.PAUSED]]:
        while True:
            data: bytes | None = None
            try:
                event = self._state.next_event()
                if event is self._h11.NEED_DATA:
                    data = yield None
                    self._silent = self._silent and not data
                    self._state.receive_data(data)
                    continue
            except self._h11.RemoteProtocolError as error:
                if self._state.trailing_data[1]:
                    problem = "the other side closed it"
                    raise EngineLost(server=str(self._server), request=self._what, problem=problem) from error
                raise self._bad(str(error)) from error
            if isinstance(event, self._h11.ConnectionClosed):
                raise EngineLost(server=str(self._server), request=self._what, problem="it was closed")
            return event  # type: ignore[return-value]  # NEED_DATA is dealt with above

    def _bad(self, problem: str) -> EngineAnswerBad:
        return EngineAnswerBad(server=str(self._server), request=self._what, problem=problem)
