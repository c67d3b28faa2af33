"""The OpenAPI document, from the table of operations and the types that they really use.

Format: OpenAPI 3.1.0, https://spec.openapis.org/oas/v3.1.0; schemas are JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guestwright.engine.accounts.errors import MayNot, TokenRefused, TooManyAttempts
from guestwright.engine.api.endpoint import ROOT, Endpoint
from guestwright.engine.api.errors import AnswerNotKept, KeyReused, KeyUnderWay, NoIdempotencyKey, NoToken
from guestwright.engine.api.headers import KEY_MAX
from guestwright.engine.api.problems import JSON, PROBLEM, Problem
from guestwright.engine.inventory.errors import BadQuery, DatabaseBusy, DatabaseUnusable
from guestwright.http_api.errors import (
    BadRequest,
    BodyLate,
    BodyTooLarge,
    Broken,
    Busy,
    NotJson,
    TookTooLong,
)
from guestwright.http_api.schema import REFERENCE, path_parameters, plain_path, query_parameters, refusals

VERSION: Final = "1.0"
_ALWAYS: Final = (BadRequest, NoIdempotencyKey, Broken, Busy, TookTooLong, DatabaseBusy, DatabaseUnusable)
_WITH_RIGHT: Final = (NoToken, TokenRefused, TooManyAttempts, MayNot)
_WITH_BODY: Final = (BodyTooLarge, NotJson, BodyLate)
_RANGES: Final = (
    ("Range", "bytes=FIRST-LAST, bytes=FIRST- or bytes=-LENGTH (RFC 9110, 14.2)"),
    ("If-Range", "the ETag of the answer that is gone on with; another file comes whole (13.1.5)"),
)
_PLACE: Final = (("Content-Range", "bytes FIRST-LAST/TOTAL: where the bytes belong; the beginning without"),)
_ABOUT: Final = (
    "Within /api/v1 fields may be added to answers; none is removed or changes meaning. Errors are "
    "application/problem+json; clients match on `code`."
)


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document.

    Args:
        endpoints: all operations.
    """
    kinds: dict[str, Any] = {"problem": Problem}
    for one in endpoints:
        for role, kind in (("body", one.body), ("query", one.query), ("reply", one.reply)):
            if kind not in (None, bytes):
                kinds[f"{one.name} {role}"] = kind
    schemas, components = msgspec.json.schema_components(kinds.values(), ref_template=REFERENCE)
    named = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Any] = {}
    for one in endpoints:
        row = paths.setdefault(plain_path(one.path), {})
        row[one.method.lower()] = _operation(one, named, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Guestwright engine",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ROOT}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _parts(one: Endpoint) -> dict[str, Any]:
    """Answers besides the usual one, of what can be had by ranges."""
    if not one.ranged:
        return {}
    content: dict[str, Any] = {one.media: {}}
    return {"206": {"description": "the range", "content": content}}


def errors_of(one: Endpoint) -> tuple[Any, ...]:
    """All errors that are to be expected of an operation."""
    right = () if one.right is None else _WITH_RIGHT
    body = () if one.body is None else (BodyLate,) if one.streams else _WITH_BODY
    keyed = (KeyReused, KeyUnderWay) if one.kept else ()
    secret = (AnswerNotKept,) if one.kept and one.secret else ()
    asked = (BadQuery,) if one.query is not None and "filter" in one.query.__struct_fields__ else ()
    return (*_ALWAYS, *right, *body, *keyed, *secret, *asked, *one.errors)


def _operation(one: Endpoint, named: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    problem = {PROBLEM: {"schema": named["problem"]}}
    shown: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.tag],
        "parameters": [*path_parameters(one.path), *_headers(one)],
        "responses": {
            str(one.status): _success(one, named),
            **_parts(one),
            **refusals(errors_of(one), problem),
        },
    }
    if one.right is None:
        shown["security"] = []
    else:
        shown["x-right"] = one.right.value
    if one.query is not None:
        shown["parameters"] += query_parameters(named[f"{one.name} query"], components)
    if one.body is bytes:
        binary = {"type": "string", "format": "binary"}  # 2020-12 has no better word; clients know this one
        shown["requestBody"] = {"required": True, "content": {one.media: {"schema": binary}}}
    elif one.body is not None:
        schema = named[f"{one.name} body"]
        shown["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return shown


def _headers(one: Endpoint) -> list[dict[str, Any]]:
    found = []
    if one.matched:
        about = "the ETag of the version that this was decided on"
        schema: dict[str, Any] = {"type": "string", "pattern": '^"[0-9]{1,18}"$'}
        found.append({"name": "If-Match", "in": "header", "description": about, "schema": schema})
    if one.keyed or one.kept:
        about = "the same key with the same request gets the answer of the first time"
        schema = {"type": "string", "maxLength": KEY_MAX, "pattern": "^[ -~]*$"}
        found.append({"name": "Idempotency-Key", "in": "header", "description": about, "schema": schema})
    for name, about in _RANGES if one.ranged else _PLACE if one.streams else ():
        found.append({"name": name, "in": "header", "description": about, "schema": {"type": "string"}})
    return found


def _success(one: Endpoint, named: Mapping[str, Any]) -> dict[str, Any]:
    if one.reply is None:
        return {"description": "done"}
    content = {} if one.reply is bytes else {"schema": named[f"{one.name} reply"]}
    media = one.media if one.reply is bytes else JSON
    return {"description": "done", "content": {media: content}}
