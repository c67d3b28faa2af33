"""Answers: JSON, and errors as problem details.

Format: RFC 9457; `code`, `hint` and `parameters` are ours.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.responses import Response

from guestwright.base.errors import GuestwrightError
from guestwright.engine.api.endpoint import ROOT, Answer, Endpoint
from guestwright.http_api.errors import NoSuchMethod

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
TYPE: Final = "urn:guestwright:error:{code}"
_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PAUSE: Final = {HTTPStatus.SERVICE_UNAVAILABLE: "1"}


class Problem(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success.

    Attributes:
        type: "urn:guestwright:error:CODE".
        title: the phrase of HTTP for the status.
        status: of HTTP.
        detail: for people.
        code: stable name; docs/errors.md lists all.
        hint: what to do about it; "" without anything useful.
        parameters: values in `detail`.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    parameters: dict[str, str]


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def answer(value: Any, endpoint: Endpoint) -> Response:
    """What an operation returned, as the answer to a request."""
    told = value if isinstance(value, Answer) else Answer(value=value)
    status = endpoint.status if told.status is None else told.status
    body = b"" if told.value is None else _ENCODER.encode(told.value)
    response = Response(body, status, headers=_STORE, media_type=None if told.value is None else JSON)
    if told.version is not None:
        response.headers["ETag"] = f'"{told.version}"'
    if told.location:
        response.headers["Location"] = ROOT + told.location
    return response


def refusal(error: GuestwrightError) -> Response:
    """An error as an answer."""
    shown = error.as_dict()
    status = HTTPStatus(error.http_status)
    problem = Problem(
        type=TYPE.format(code=error.code),
        title=status.phrase,
        status=status,
        detail=shown["message"],
        code=error.code,
        hint=shown["hint"],
        parameters=shown["params"],
    )
    response = Response(_ENCODER.encode(problem), status, headers=_STORE, media_type=PROBLEM)
    if isinstance(error, NoSuchMethod):
        response.headers["Allow"] = str(error.params["allowed"])
    if status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and "size" in error.params:
        response.headers["Content-Range"] = f"bytes */{error.params['size']}"
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    pause = str(error.params.get("seconds", "1")) if status is HTTPStatus.TOO_MANY_REQUESTS else ""
    if pause or status in _PAUSE:
        response.headers["Retry-After"] = pause or _PAUSE[status]
    return response
