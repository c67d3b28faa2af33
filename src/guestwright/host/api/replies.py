"""Answers: JSON, and errors as the error base gives them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from guestwright.base.errors import GuestwrightError
from guestwright.host.api.wire import encode
from guestwright.http_api.errors import NoSuchMethod

JSON = "application/json"


def reply(value: Any, status: int = 200) -> Response:
    """A value as the body of an answer."""
    return Response(encode(value), status_code=status, media_type=JSON, headers={"Cache-Control": "no-store"})


def refusal(error: GuestwrightError) -> Response:
    """An error as an answer: its HTTP status, and code, message, hint and parameters as the body."""
    response = reply({"error": error.as_dict()}, int(error.http_status))
    if isinstance(error, NoSuchMethod):
        response.headers["Allow"] = str(error.params["allowed"])
    if int(error.http_status) == 503:
        response.headers["Retry-After"] = "1"
    return response
