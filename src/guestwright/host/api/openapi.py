"""The OpenAPI document, from the table of operations and the types that they really use.

Format: OpenAPI 3.1.0, https://spec.openapis.org/oas/v3.1.0; schemas are JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guestwright.base.record import record
from guestwright.host.api.endpoint import Endpoint
from guestwright.host.api.errors import Forbidden, RoleTooLow
from guestwright.host.api.wire import wire_type
from guestwright.http_api.errors import BadRequest, Broken, Busy, TookTooLong
from guestwright.http_api.schema import REFERENCE, path_parameters, plain_path, query_parameters, refusals

VERSION: Final = "1.0"
_ALWAYS: Final = (BadRequest, Forbidden, RoleTooLow, Broken, Busy, TookTooLong)


@record
class Refusal:
    """Why an operation was not done.

    Attributes:
        code: stable name; docs/errors.md lists all.
        message: for people.
        hint: what to do about it; "" without anything useful.
        params: values in the message.
    """

    code: str
    message: str
    hint: str
    params: Mapping[str, str]


@record
class ErrorReply:
    """The body of every answer that is not a success.

    Attributes:
        error: why.
    """

    error: Refusal


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document.

    Args:
        endpoints: all operations.
    """
    kinds: dict[str, Any] = {"ErrorReply": wire_type(ErrorReply)}
    for one in endpoints:
        for role, kind in (("body", one.body), ("query", one.query), ("reply", one.reply)):
            if kind not in (None, bytes):
                kinds[f"{one.name} {role}"] = wire_type(kind)
    schemas, components = msgspec.json.schema_components(kinds.values(), ref_template=REFERENCE)
    named = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Any] = {}
    for one in endpoints:
        row = paths.setdefault(plain_path(one.path), {})
        row[one.method.lower()] = _operation(one, named, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Guestwright host service",
            "version": VERSION,
            "description": "Within /v1 fields may be added to answers; none is removed or changes meaning.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"certificate": {"type": "mutualTLS"}}},
        "security": [{"certificate": []}],
    }


def _operation(one: Endpoint, named: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": named["ErrorReply"]}}
    shown: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.tag],
        "x-role": one.role.value,
        "parameters": path_parameters(one.path),
        "responses": {str(one.status): _success(one, named), **refusals((*_ALWAYS, *one.errors), content)},
    }
    if one.query is not None:
        shown["parameters"] += query_parameters(named[f"{one.name} query"], components)
    if one.body is bytes:
        shown["requestBody"] = {"required": True, "content": {one.media: {}}}
    elif one.body is not None:
        schema = named[f"{one.name} body"]
        shown["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return shown


def _success(one: Endpoint, named: Mapping[str, Any]) -> dict[str, Any]:
    if one.reply is None:
        return {"description": "done"}
    media = "application/json" if one.body is bytes else one.media
    content = {} if one.reply is bytes else {"schema": named[f"{one.name} reply"]}
    return {"description": "done", "content": {media: content}}
