"""What one operation of the API is: a row of a table. Routing, roles, checks and documentation read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import field, record
from guestwright.host.api.callers import Caller
from guestwright.host.enrol.roles import Role

BODY_MAX: Final = 64 << 10
SECONDS: Final = 60.0


@record
class Call:
    """One request, checked.

    Attributes:
        caller: who.
        path: names in the path to their values.
        query: an instance of `Endpoint.query`.
        body: an instance of `Endpoint.body`.
        request: number of the request.
        headers: by name, whatever its case.
    """

    caller: Caller
    path: Mapping[str, str]
    query: Any
    body: Any
    request: str
    headers: Mapping[str, str] = field(default_factory=dict)


@record
class Endpoint:
    """One operation.

    Attributes:
        name: stable, kebab-case; the OpenAPI `operationId`, and a label of metrics.
        method: of HTTP.
        path: with `{names}`.
        role: that the caller needs.
        summary: one line.
        handle: does it, in a thread; gets the call and returns what `reply` says, or a response.
        reply: type of the answer: a record class.
        body: `msgspec.Struct` of the request's body; None for none.
        query: `msgspec.Struct` of its query; None for none.
        status: of the answer when all is well.
        body_max: bytes.
        seconds: after which the caller is told that it takes too long.
        errors: that are to be expected besides those of every operation, for the documentation.
        tag: under which it is documented.
        streams: whether the answer reads the body itself; `handle` returns a response then.
        media: type of the answer's body, and of the request's where that is no JSON.
    """

    name: str
    method: str
    path: str
    role: Role
    summary: str
    handle: Callable[[Call], Any]
    reply: Any
    body: Any = None
    query: Any = None
    status: int = 200
    body_max: int = BODY_MAX
    seconds: float = SECONDS
    errors: tuple[type[GuestwrightError], ...] = field(default=())
    tag: str = "host"
    streams: bool = False
    media: str = "application/json"

    @property
    def changes(self) -> bool:
        """Whether something is different afterwards; if so it is audited."""
        return self.method not in ("GET", "HEAD")
