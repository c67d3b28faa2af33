"""What can go wrong between a client and an engine."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from guestwright.base.errors import EXIT_FAILED, EXIT_UNSUPPORTED, EXIT_USAGE, GuestwrightError
from guestwright.base.printable import printable

_EXITS: Final = {400: EXIT_USAGE, 405: EXIT_USAGE, 413: EXIT_USAGE, 415: EXIT_USAGE, 501: EXIT_UNSUPPORTED}


class RemoteError(GuestwrightError):
    """Base of these errors."""

    code = "remote"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "{problem}"


class EngineUnreachable(RemoteError):
    """No engine answers there; nothing was sent."""

    code = "remote-unreachable"
    template = "no engine answers at {server}: {problem}"
    hint = "is it running (`guestwright up`)? --server and `guestwright login` say where to look"


class EngineNotTrusted(RemoteError):
    """The engine is not who it should be; nothing was sent."""

    code = "remote-not-trusted"
    http_status = HTTPStatus.FORBIDDEN
    template = "{server} is not trusted: {problem}"
    hint = "`guestwright login` takes its authority with --ca, or its certificate with --fingerprint"


class EngineLost(RemoteError):
    """The connection broke under a request that may have been done."""

    code = "remote-lost"
    template = "the connection to {server} broke during {request}: {problem}"
    hint = "it may have been done or not: look before it is asked for again"


class EngineAnswerBad(RemoteError):
    """Something answered that is no engine, or one of another time."""

    code = "remote-bad-answer"
    template = "{server} answered {request} with what no engine says: {problem}"
    hint = "is this the address of an engine? compare the versions of both sides (`guestwright --version`)"


class BadServer(RemoteError):
    """Where to look for the engine, or how to trust it, makes no sense."""

    code = "remote-bad-address"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{what} {value}: {problem}"


class ClientNotInstalled(RemoteError):
    """The client's own dependency is missing."""

    code = "remote-not-installed"
    exit_status = EXIT_UNSUPPORTED
    http_status = HTTPStatus.NOT_IMPLEMENTED
    template = "the client of the engine needs {package}, which is not installed"
    hint = "pip install 'guestwright[client]'"


class NotLoggedIn(RemoteError):
    """No token is kept for this engine, or no engine is known."""

    code = "remote-not-logged-in"
    http_status = HTTPStatus.UNAUTHORIZED
    template = "nobody is logged in{where}"
    hint = "guestwright login {url}"


class TokenFileBad(RemoteError):
    """What is kept of a login cannot be used."""

    code = "remote-bad-login-file"
    template = "{path}: {problem}"
    hint = "it must be yours alone (mode 0600); `guestwright login` writes it anew"


class LocalImageBad(RemoteError):
    """A file on this side is no disk that can be uploaded."""

    code = "remote-local-image"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{path}: {problem}"


class UploadDiffers(RemoteError):
    """The upload that was to be gone on with is of something else."""

    code = "remote-upload-differs"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "upload {upload} is of files of other names or sizes"
    hint = "name the files in the same order as before, or begin anew"


class NoSuchThing(RemoteError):
    """Nothing has this name or id."""

    code = "remote-no-such-name"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no {kind} called {name}"


class AmbiguousName(RemoteError):
    """Several things have this name."""

    code = "remote-ambiguous-name"
    http_status = HTTPStatus.CONFLICT
    template = "{count} of the {kind} are called {name}"
    hint = "give the id: {ids}"


class RemoteJobFailed(RemoteError):
    """A job that was waited for has not done its work; what it had begun was undone."""

    code = "remote-job-failed"
    http_status = HTTPStatus.CONFLICT
    template = "the job {job} was undone: {problem}"
    hint = "{advice}"


class WaitedTooLong(RemoteError):
    """What was waited for has not come in time; it goes on."""

    code = "remote-waited-too-long"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "{what} has not ended after {seconds} s"
    hint = "it goes on; wait again, or look at `guestwright job show`"


class EngineRefused(RemoteError):
    """The engine's own error (problem+json, RFC 9457): code, message and hint are as it sent them.

    Attributes:
        status: of HTTP.
        after: seconds after which it may be tried again, as the engine says; None when it says nothing.
    """

    code = "remote-refused"
    template = "{message}"
    hint = "{advice}"
    status = 500
    after: float | None = None

    @staticmethod
    def of(status: int, problem: Mapping[str, Any], after: float | None = None) -> EngineRefused:
        """The error of its kind.

        Args:
            status: of HTTP.
            problem: the document.
            after: see `after`.
        """
        kind = _KINDS.get(status, EngineRefused)
        message = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
        made = kind(message=message[:2000], advice=str(problem.get("hint") or "")[:2000])
        made.status, made.after = status, after
        own = vars(made)
        own["exit_status"] = _EXITS.get(status, EXIT_FAILED)
        own["code"] = printable(str(problem.get("code") or kind.code)[:100])
        own["_sent"] = problem.get("parameters") or {}
        return made

    @property
    def parameters(self) -> Any:
        """What the engine's message was made of."""
        return vars(self).get("_sent", {})

    def as_dict(self) -> dict[str, Any]:
        """As the engine sent it."""
        return {**super().as_dict(), "params": self.parameters}


class EngineDenied(EngineRefused):
    """The caller is not known (401) or has not the right (403)."""

    code = "remote-denied"
    http_status = HTTPStatus.FORBIDDEN


class EngineFoundNothing(EngineRefused):
    """There is no such thing (404)."""

    code = "remote-not-found"
    http_status = HTTPStatus.NOT_FOUND


class EngineConflict(EngineRefused):
    """It is not possible as things stand (409), or they have changed meanwhile (412)."""

    code = "remote-conflict"
    http_status = HTTPStatus.CONFLICT


class EngineBusy(EngineRefused):
    """Not now (429, 503): `after` may say when."""

    code = "remote-busy"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE


_KINDS: Final[Mapping[int, type[EngineRefused]]] = {
    401: EngineDenied,
    403: EngineDenied,
    404: EngineFoundNothing,
    409: EngineConflict,
    412: EngineConflict,
    429: EngineBusy,
    503: EngineBusy,
}
