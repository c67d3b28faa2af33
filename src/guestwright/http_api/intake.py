"""The body and the query of a request, bounded in bytes and time, as the types that an operation asks for."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol, get_origin

import msgspec
from starlette.requests import Request

from guestwright.http_api.errors import BadRequest, BodyLate, BodyTooLarge, NotJson
from guestwright.http_api.shapes import decoded, shaped

BODY_SECONDS: Final = 30.0
_SLOWEST: Final = 128 << 10
"""Bytes a second at which the largest body of an operation may come, if that takes longer."""
QUERY_MAX: Final = 4096  # characters


class Takes(Protocol):
    """What this needs to know of an operation: the `Endpoint` of either interface."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def body(self) -> Any:
        """Type of the request's body: `msgspec.Struct`, `bytes`, or None for none."""

    @property
    def query(self) -> Any:
        """`msgspec.Struct` of the query; None for none."""

    @property
    def body_max(self) -> int:
        """Bytes."""


async def read_body(request: Request, endpoint: Takes) -> Any:
    """The checked body; None where none is taken.

    Raises:
        BadRequest, BodyLate, BodyTooLarge, NotJson: it is not what the operation takes.
        ClientDisconnect: the caller has gone.
    """
    data = await _bytes(request, endpoint)
    if endpoint.body is None:
        if data:
            raise BadRequest(what="body", operation=endpoint.name, problem="none is expected")
        return None
    if endpoint.body is bytes:
        return data
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise NotJson(operation=endpoint.name)
    try:
        return decoded(data, endpoint.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(what="body", operation=endpoint.name, problem=_short(error)) from None


def read_query(request: Request, endpoint: Takes) -> Any:
    """The checked query; None where none is taken.

    Raises:
        BadRequest: unknown or wrong parameters, or one given twice.
    """
    if len(request.url.query) > QUERY_MAX:
        raise BadRequest(what="query", operation=endpoint.name, problem=f"more than {QUERY_MAX} characters")
    given: dict[str, Any] = {}
    many = _repeatable(endpoint.query)
    for name, value in request.query_params.multi_items():
        if name in many:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise BadRequest(what="query", operation=endpoint.name, problem="a parameter is given twice")
        else:
            given[name] = value
    if endpoint.query is None:
        if given:
            raise BadRequest(what="query", operation=endpoint.name, problem="none is expected")
        return None
    try:
        return shaped(given, endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(what="query", operation=endpoint.name, problem=_short(error)) from None


def _repeatable(query: Any) -> frozenset[str]:
    """Parameters that may be given more than once: those that are tuples."""
    if query is None:
        return frozenset()
    fields = msgspec.structs.fields(query)
    return frozenset(one.encode_name for one in fields if get_origin(one.type) is tuple)


async def _bytes(request: Request, endpoint: Takes) -> bytes:
    most = endpoint.body_max if endpoint.body is not None else 0
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > max(most, 1):
        raise BodyTooLarge(operation=endpoint.name, most=most)
    parts, size = [], 0
    seconds = max(BODY_SECONDS, most / _SLOWEST)
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                size += len(part)
                if size > max(most, 1):
                    raise BodyTooLarge(operation=endpoint.name, most=most)
                parts.append(part)
    except TimeoutError:
        raise BodyLate(operation=endpoint.name, seconds=int(seconds)) from None
    return b"".join(parts)


def _short(error: Exception) -> str:
    return str(error)[:300]
