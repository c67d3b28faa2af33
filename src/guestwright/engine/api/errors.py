"""What the engine's API itself answers with, besides what every interface does (`http_api.errors`)."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE
from guestwright.http_api.errors import ApiError


class NoToken(ApiError):
    """The request names nobody."""

    code = "api-no-token"
    http_status = HTTPStatus.UNAUTHORIZED
    template = "this operation needs a token"
    hint = "log in, and send Authorization: Bearer TOKEN"


class NoIdempotencyKey(ApiError):
    """A key was sent to an operation that could not keep its promise; nothing was done."""

    code = "api-no-idempotency-key"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{operation} takes no Idempotency-Key"
    hint = "send it without; names are unique, so that what is made twice by mistake is refused"


class BadChoice(ApiError):
    """What was asked for cannot be, or cannot be told from what was given."""

    code = "api-bad-choice"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "{field}: {problem}"


class NothingToMake(ApiError):
    """There is nothing to make it from: no disk, or no version that is ready."""

    code = "api-nothing-to-make"
    http_status = HTTPStatus.CONFLICT
    template = "nothing can be made from {what}: {problem}"
