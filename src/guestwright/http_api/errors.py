"""What an HTTP interface of ours itself answers with; all else comes from the parts behind it."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class ApiError(GuestwrightError):
    """Base of the errors of our HTTP interfaces."""

    code = "api"
    template = "{problem}"


class BadRequest(ApiError):
    """The request is not what the operation takes; nothing was done."""

    code = "api-bad-request"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "the {what} of {operation} is wrong: {problem}"
    hint = "openapi.json, beside the other paths, describes every request"


class NoSuchResource(ApiError):
    """There is nothing at this address."""

    code = "api-no-such-path"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.NOT_FOUND
    template = "there is nothing at {path}"
    hint = "openapi.json, at the root of the API, lists every path"


class NoSuchMethod(ApiError):
    """The address is right, the method is not."""

    code = "api-method-not-allowed"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.METHOD_NOT_ALLOWED
    template = "{method} is not possible at {path}"
    hint = "possible: {allowed}"


class BodyTooLarge(ApiError):
    """More was sent than the operation takes; nothing was done."""

    code = "api-body-too-large"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    template = "{operation} takes a body of at most {most} bytes"


class NotJson(ApiError):
    """The body is not declared as JSON."""

    code = "api-not-json"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    template = "{operation} takes application/json"
    hint = "send Content-Type: application/json"


class BodyLate(ApiError):
    """The body did not come in time; nothing was done."""

    code = "api-body-late"
    http_status = HTTPStatus.REQUEST_TIMEOUT
    template = "the body of {operation} was not complete after {seconds} s"


class Busy(ApiError):
    """More requests, streams or transfers are under way than the service takes; nothing was done."""

    code = "api-busy"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "too many {what} are under way ({most})"
    hint = "try again in a moment"


class TookTooLong(ApiError):
    """No answer in time. What was asked for goes on and may still be done."""

    code = "api-timeout"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "{operation} was not done after {seconds} s"
    hint = "it may still be: look before it is asked for again"


class Broken(ApiError):
    """A mistake of this program."""

    code = "api-internal"
    template = "a mistake of this program; request {request}"
    hint = "the service's log has the details under this number"
