"""Headers that operations have in common: the token, conditions, keys.

Sources: RFC 6750 2.1 (bearer tokens), RFC 9110 8.8.3 and 13.1 (tags and conditions),
draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from guestwright.engine.api.endpoint import Endpoint
from guestwright.engine.api.errors import NoIdempotencyKey
from guestwright.http_api.errors import BadRequest

KEY_MAX: Final = 100
"""Characters of an Idempotency-Key; a job's key holds the user's id besides."""
_TOKEN_MAX: Final = 256
_TAG: Final = re.compile(r'"([0-9]{1,18})"')


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of a request; None when there is none."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip()[:_TOKEN_MAX] if scheme.lower() == "bearer" and text.strip() else None


def conditions(headers: Mapping[str, str], endpoint: Endpoint) -> tuple[str, int | None]:
    """The Idempotency-Key ("" for none), and the version that If-Match names (None for any).

    Raises:
        BadRequest: one of them is malformed.
        NoIdempotencyKey: the operation takes none.
    """
    key = headers.get("idempotency-key", "")
    if key and not (endpoint.keyed or endpoint.kept):
        raise NoIdempotencyKey(operation=endpoint.name)
    if len(key) > KEY_MAX or not key.isascii() or not key.isprintable():
        problem = f"Idempotency-Key has at most {KEY_MAX} printable characters of ASCII"
        raise BadRequest(what="header", operation=endpoint.name, problem=problem)
    match = headers.get("if-match", "").strip()
    if not match or match == "*":
        return key, None
    found = _TAG.fullmatch(match)
    if found is None or not endpoint.matched:
        problem = (
            "If-Match is one tag that an ETag gave" if endpoint.matched else "If-Match is not known here"
        )
        raise BadRequest(what="header", operation=endpoint.name, problem=problem)
    return key, int(found[1])


def unless_known(headers: Mapping[str, str], response: Response) -> Response:
    """The answer; without a body when `If-None-Match` says that the caller has it."""
    tag = response.headers.get("etag")
    known = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    if tag is None or response.status_code != HTTPStatus.OK or not {tag, "*"} & set(known):
        return response
    kept = {"ETag": tag, "Cache-Control": "no-store"}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)
