"""What can go wrong while certificates are made, renewed or revoked."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE
from guestwright.host.errors import HostError


class EnrolError(HostError):
    """Base of these errors."""

    code = "enrol"
    template = "{problem}"


class NoAuthority(EnrolError):
    """There is no certificate authority in the directory yet."""

    code = "enrol-no-authority"
    http_status = HTTPStatus.CONFLICT
    template = "there is no certificate authority in {directory}"
    hint = "make one with `guestwright host enrol init`, on the host, as the user that runs the service"


class AuthorityExists(EnrolError):
    """There is a certificate authority already; a new one would lock everybody out."""

    code = "enrol-authority-exists"
    http_status = HTTPStatus.CONFLICT
    template = "there is a certificate authority in {directory} already"
    hint = "to begin anew, move the directory away: all certificates that it has issued end with it"


class AuthorityDamaged(EnrolError):
    """Files of the authority cannot be read or do not fit together."""

    code = "enrol-authority-damaged"
    template = "{path} is not usable: {problem}"
    hint = (
        "restore the directory from a copy, or move it away and begin anew with `guestwright host enrol init`"
    )


class AuthorityNotKept(EnrolError):
    """A file of the authority, or of somebody's certificate, cannot be written."""

    code = "enrol-not-written"
    template = "{path} cannot be written: {problem}"
    hint = "run as the user that owns the directory; nothing was issued or revoked"


class BadEnrolment(EnrolError):
    """A name, address or lifetime that a certificate cannot have."""

    code = "enrol-bad-request"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{what} {value}: {problem}"


class UnknownCertificate(EnrolError):
    """No certificate was issued under this name or number."""

    code = "enrol-unknown-certificate"
    http_status = HTTPStatus.NOT_FOUND
    template = "no valid certificate was issued to {name}"
    hint = "`guestwright host enrol list` names those that were"
