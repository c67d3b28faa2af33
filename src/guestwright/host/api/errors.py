"""What the host's API itself answers with, besides what every interface does (`http_api.errors`)."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.http_api.errors import ApiError


class Forbidden(ApiError):
    """Who calls has no role here."""

    code = "api-forbidden"
    http_status = HTTPStatus.FORBIDDEN
    template = "{caller} may not use this service: {problem}"
    hint = "on the host, root and the service's group may; over the network, a certificate of `host enrol`"


class RoleTooLow(ApiError):
    """The caller's role does not allow this."""

    code = "api-role"
    http_status = HTTPStatus.FORBIDDEN
    template = "{operation} needs the role {needed}; {caller} is {role}"
    hint = "the host's administrator gives roles with `guestwright host enrol`"


class NoSuchProcess(ApiError):
    """No program that this caller has begun, and that runs still, has this name."""

    code = "api-no-such-process"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no program {process} of yours"
    hint = "its name is in the first line of exec-stream's answer; a program that has ended takes no input"


class CannotListen(ApiError):
    """The service cannot listen where it was told to."""

    code = "api-cannot-listen"
    template = "cannot listen at {address}: {problem}"
    hint = "another service may be there; or the address is not one of this host's"


class NoServerCertificate(ApiError):
    """TLS was asked for, and the service has no certificate."""

    code = "api-no-certificate"
    http_status = HTTPStatus.CONFLICT
    template = "the service has no usable certificate in {directory}: {problem}"
    hint = "make one: `guestwright host enrol init`, then `guestwright host enrol server NAME…`"
