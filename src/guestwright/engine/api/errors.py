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
    hint = "send it without; what makes something takes one, and all else is harmless twice or cannot be"


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


class KeyReused(ApiError):
    """An Idempotency-Key came again with another request; nothing was done."""

    code = "api-key-reused"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.CONFLICT
    template = "the key {key} belongs to another request to {operation}"
    hint = "take a new key for a new request; the same one only to send the same request again"


class KeyUnderWay(ApiError):
    """The same request is being done for this key."""

    code = "api-key-under-way"
    http_status = HTTPStatus.CONFLICT
    template = "{operation} is being done already for the key {key}"
    hint = "send it again in a moment; after some minutes it counts as given up"


class AnswerNotKept(ApiError):
    """It was done for this key, and the answer was a secret, which nobody keeps."""

    code = "api-answer-not-kept"
    http_status = HTTPStatus.CONFLICT
    template = "{operation} was done for the key {key}; its answer is a secret and is not kept"
    hint = "remove what was made, and make another with a new key"
