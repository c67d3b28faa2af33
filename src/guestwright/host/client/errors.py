"""What can go wrong between a client and a host service."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from guestwright.base.errors import EXIT_FAILED, EXIT_UNSUPPORTED, EXIT_USAGE
from guestwright.base.printable import printable
from guestwright.host.errors import HostError

_STATUSES: Final = frozenset(one.value for one in HTTPStatus)
_EXITS: Final = {400: EXIT_USAGE, 404: EXIT_FAILED, 405: EXIT_USAGE, 413: EXIT_USAGE, 422: EXIT_UNSUPPORTED}


class ClientError(HostError):
    """Base of these errors."""

    code = "client"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "{problem}"


class HostUnreachable(ClientError):
    """No service answers there."""

    code = "client-unreachable"
    template = "no host service answers at {address}: {problem}"
    hint = "is `guestwright host serve` running there? --socket and --tls say where to look"


class HostNotTrusted(ClientError):
    """The service, or this client to the service, is not who it should be."""

    code = "client-not-trusted"
    http_status = HTTPStatus.FORBIDDEN
    template = "{address} and this client do not trust each other: {problem}"
    hint = "certificates end after some weeks: `guestwright host enrol renew NAME` on the host makes another"


class HostLost(ClientError):
    """The connection broke under a request that may have been done."""

    code = "client-lost"
    template = "the connection to {address} broke during {request}: {problem}"
    hint = "it may have been done or not: look before it is asked for again"


class HostAnswerBad(ClientError):
    """Something answered that is no host service, or one of another time."""

    code = "client-bad-answer"
    template = "{address} answered {request} with what no host service says: {problem}"
    hint = "compare the versions of both sides (`guestwright --version`)"


class BadAddress(ClientError):
    """Where to look for the service makes no sense."""

    code = "client-bad-address"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{what} {value}: {problem}"


class NoSuchGuest(ClientError):
    """No domain of the host has this name or uuid."""

    code = "client-no-such-domain"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no domain called {name} on {address}"
    hint = "`guestwright host guests` lists them"


class NameNotUnique(ClientError):
    """Several domains of the host have this name."""

    code = "client-name-not-unique"
    http_status = HTTPStatus.CONFLICT
    template = "{count} domains on {address} are called {name}"
    hint = "give the uuid: {uuids}"


class LocalFileFailed(ClientError):
    """A file on this side cannot be written."""

    code = "client-local-file"
    template = "{path}: {problem}"
    hint = "look at its directory's permissions and free space"


class HostRefused(ClientError):
    """The service's own error: code, message, hint and parameters are as it sent them.

    Attributes:
        status: of HTTP.
    """

    code = "client-refused"
    template = "{message}"
    hint = "{advice}"
    status = 500

    @classmethod
    def of(cls, status: int, error: Mapping[str, Any]) -> HostRefused:
        """Make one.

        Args:
            status: of HTTP.
            error: the member `error` of the answer.
        """
        made = cls(message=str(error.get("message", "")), advice=str(error.get("hint", "")))
        made.status = status
        own = vars(made)
        own["http_status"] = HTTPStatus(status) if status in _STATUSES else HTTPStatus.BAD_GATEWAY
        own["exit_status"] = _EXITS.get(status, EXIT_FAILED)
        own["code"] = printable(str(error.get("code", cls.code))[:100])
        own["_sent"] = error.get("params", {})
        return made

    def as_dict(self) -> dict[str, Any]:
        """As the service sent it."""
        return {**super().as_dict(), "params": vars(self).get("_sent", {})}
