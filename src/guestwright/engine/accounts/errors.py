"""What can go wrong with users, passwords, tokens and rights. Never says more than the caller may know."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class AccountError(GuestwrightError):
    """Base of the errors of accounts."""

    code = "account"
    template = "{problem}"


class LoginRefused(AccountError):
    """The name, the password or both are wrong, or the user is switched off: the same answer for all."""

    code = "account-login-refused"
    http_status = HTTPStatus.UNAUTHORIZED
    template = "name or password are not right"


class TokenRefused(AccountError):
    """The token is unknown, has expired or was revoked, or its user is switched off."""

    code = "account-token-refused"
    http_status = HTTPStatus.UNAUTHORIZED
    template = "this token is not accepted"
    hint = "log in again, or ask for a new token"


class TooManyAttempts(AccountError):
    """Too many have failed; nothing was tried."""

    code = "account-too-many-attempts"
    http_status = HTTPStatus.TOO_MANY_REQUESTS
    template = "too many attempts have failed; the next is possible in {seconds} s"


class MayNot(AccountError):
    """This user, or this token of theirs, has not the right."""

    code = "account-may-not"
    http_status = HTTPStatus.FORBIDDEN
    template = "{name} has not the right '{right}'"
    hint = "who may change users can give it"


class BadUserName(AccountError):
    """A name that no user can have."""

    code = "account-bad-name"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "'{name}' is no name of a user"
    hint = "1 to 64 lower-case letters, digits, dots, '_', '-' and '@', beginning with a letter or a digit"


class BadPassword(AccountError):
    """A password that is not accepted."""

    code = "account-bad-password"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "this password is not accepted: {problem}"
    hint = "{least} to {most} characters; a few random words are easy to keep in mind"


class BadToken(AccountError):
    """A token was asked for that makes no sense."""

    code = "account-bad-token"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "the token '{name}' is not issued: {problem}"


class LastAdmin(AccountError):
    """Without this one nobody could change users any more."""

    code = "account-last-admin"
    http_status = HTTPStatus.CONFLICT
    template = "{name} is the last administrator who can log in"
    hint = "make somebody else one first"


class AlreadyBegun(AccountError):
    """There are users already, so the first one is not made."""

    code = "account-already-begun"
    http_status = HTTPStatus.CONFLICT
    template = "there are users already"
    hint = "log in as an administrator to make more"
