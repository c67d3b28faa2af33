"""All operations as one ASGI application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from guestwright.host.api.callers import Access, Caller, Certified, Local
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.errors import Forbidden
from guestwright.host.api.openapi import document
from guestwright.host.api.resource import Identify, Resource
from guestwright.host.api.tally import Tally
from guestwright.host.api.wire import encode
from guestwright.host.enrol.ledger import Revocations
from guestwright.host.enrol.roles import Role
from guestwright.http_api.errors import NoSuchResource
from guestwright.http_api.workers import Workers

_JSON: Final = "application/json"


def identifier(access: Access, revocations: Revocations | None) -> Identify:
    """How a caller is told from its connection.

    Args:
        access: who on this host may do what.
        revocations: which certificates count; None when there is no TLS.
    """

    def identify(scope: Mapping[str, Any]) -> Caller:
        peer = scope.get("state", {}).get("peer")
        if isinstance(peer, Local):
            return access.local(peer)
        if not isinstance(peer, Certified) or revocations is None:
            raise Forbidden(caller="an unknown caller", problem="neither a local user nor a certificate")
        if not revocations.valid(peer.serial):
            raise Forbidden(caller=str(peer), problem="its certificate was revoked, or is not in the list")
        if peer.role is None:
            raise Forbidden(caller=str(peer), problem="its certificate names no role")
        return Caller(peer=peer, role=peer.role)

    return identify


def make_app(
    endpoints: Sequence[Endpoint], identify: Identify, registry: CollectorRegistry, tally: Tally
) -> Starlette:
    """The application.

    Args:
        endpoints: all operations; `/v1/openapi.json` and `/metrics` are added.
        identify: who calls.
        registry: what `/metrics` shows.
        tally: counters of the API itself.
    """
    everything = (*endpoints, _metrics(registry))
    text = encode(description(endpoints, registry))
    workers = Workers()
    paths: dict[str, dict[str, Endpoint]] = {}
    for one in (*everything, _openapi(text)):
        methods = paths.setdefault(one.path, {})
        if one.method in methods:
            raise ValueError(f"two operations for {one.method} {one.path}")
        methods[one.method] = one
    routes = [Route(path, Resource(methods, identify, workers, tally)) for path, methods in paths.items()]
    nowhere = Route("/{path:path}", Resource(_NOWHERE, identify, workers, tally))
    return Starlette(routes=[*routes, nowhere])


def description(endpoints: Sequence[Endpoint], registry: CollectorRegistry) -> dict[str, Any]:
    """The OpenAPI document.

    Args:
        endpoints: all operations but those that `make_app` adds.
        registry: see there.
    """
    return document([*endpoints, _metrics(registry), _openapi(b"")])


def _metrics(registry: CollectorRegistry) -> Endpoint:
    def handle(call: Call) -> Response:
        del call
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Endpoint(
        name="metrics",
        method="GET",
        path="/metrics",
        role=Role.VIEWER,
        summary="Figures for Prometheus.",
        handle=handle,
        reply=bytes,
        media="text/plain",
    )


def _openapi(description: bytes) -> Endpoint:
    def handle(call: Call) -> Response:
        del call
        return Response(description, media_type=_JSON)

    return Endpoint(
        name="openapi",
        method="GET",
        path="/v1/openapi.json",
        role=Role.VIEWER,
        summary="This description, as an OpenAPI document.",
        handle=handle,
        reply=bytes,
    )


def _nowhere(call: Call) -> Response:
    raise NoSuchResource(path="/" + call.path["path"][:200])


_NOWHERE: Final = {
    method: Endpoint(
        name="none",
        method=method,
        path="/{path}",
        role=Role.VIEWER,
        summary="",
        handle=_nowhere,
        reply=None,
        streams=True,
    )
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
