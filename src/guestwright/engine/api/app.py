"""All operations as one ASGI application."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from guestwright.base.ids import new_run_id
from guestwright.engine.api.desk import Desk
from guestwright.engine.api.endpoint import ROOT, Call, Endpoint
from guestwright.engine.api.follower import Follower
from guestwright.engine.api.openapi import document
from guestwright.engine.api.operations.everything import all_endpoints
from guestwright.engine.api.parts import Parts
from guestwright.engine.api.problems import JSON, refusal
from guestwright.engine.api.resource import Resource
from guestwright.http_api.errors import NoSuchResource

_PATH_MAX: Final = 200


def build(parts: Parts) -> Starlette:
    """The application; its lifespan must be run.

    Args:
        parts: of the engine.

    Returns:
        All below `/api/v1`, and 404 as a problem for everything else. `app.state.close_streams` ends the
        streams of events: to be called in the event loop when a server is to end, since they never end by
        themselves.
    """
    follower, desk = Follower(parts.database), Desk(parts)
    endpoints = table(parts, follower)
    paths: dict[str, dict[str, Endpoint]] = {}
    for one in endpoints:
        methods = paths.setdefault(one.path, {})
        if one.method in methods:
            raise ValueError(f"two operations for {one.method} {one.path}")
        methods[one.method] = one

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with follower.running():
            yield
        desk.close()

    routes = [Route(ROOT + path, Resource(methods, desk)) for path, methods in paths.items()]
    app = Starlette(routes=[*routes, Route("/{path:path}", _Nowhere())], lifespan=lifespan)
    close: Callable[[], None] = follower.close
    app.state.close_streams = close
    return app


def table(parts: Parts, follower: Follower) -> tuple[Endpoint, ...]:
    """All operations, the one that shows their description included."""
    endpoints = all_endpoints(parts, follower)
    return (*endpoints, _openapi(endpoints))


def _openapi(endpoints: Sequence[Endpoint]) -> Endpoint:
    def handle(_: Call) -> Response:
        return Response(text, media_type=JSON)

    shown = Endpoint(
        name="openapi",
        method="GET",
        path="/openapi.json",
        right=None,
        summary="This description, as an OpenAPI document.",
        handle=handle,
        reply=bytes,
        tag="session",
    )
    text: bytes = msgspec.json.encode(document((*endpoints, shown)))
    return shown


class _Nowhere:
    """The answer where there is nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse."""
        error = NoSuchResource(path=str(scope.get("path", ""))[:_PATH_MAX])
        response = refusal(error)
        response.headers["X-Request-Id"] = new_run_id(time.time(), os.urandom(10))
        await response(scope, receive, send)
