"""What can go wrong between a client and a xenstored.

Theory of operation: a server refuses with the name of an error; each name that callers treat differently
has a class here, and every refusal keeps the name as it was sent (`errno`), because oxenstored sends names
(EQUOTA) that are in no table. All other classes are about the connection.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from guestwright.xenstore.core import requests
from guestwright.xenstore.core.errors import XenstoreError


class Refused(XenstoreError):
    """The server refused a request for a reason that has no class of its own."""

    code = "xenstore-refused"
    template = "cannot {operation} {subject}: xenstored says {errno}"

    @property
    def errno(self) -> str:
        """The name of the error as the server sent it, such as `ENOENT`."""
        return str(self.params["errno"])


class NoSuchPath(Refused):
    """The node, domain, watch or transaction does not exist."""

    code = "xenstore-no-such-path"
    http_status = HTTPStatus.NOT_FOUND
    template = "cannot {operation} {subject}: it does not exist"
    hint = "`guestwright store ls` shows what there is"


class AccessDenied(Refused):
    """The permissions of the node do not let this domain do it."""

    code = "xenstore-access-denied"
    http_status = HTTPStatus.FORBIDDEN
    template = "cannot {operation} {subject}: permission denied ({errno})"
    hint = "in a guest: the host decides what it may see and write; xenstored says so for hidden nodes too"


class ExistsAlready(Refused):
    """The same thing is there already."""

    code = "xenstore-exists"
    http_status = HTTPStatus.CONFLICT
    template = "cannot {operation} {subject}: it exists already"


class InvalidRequest(Refused):
    """The path or an argument is not valid, or not valid for this operation."""

    code = "xenstore-invalid"
    http_status = HTTPStatus.BAD_REQUEST
    template = "cannot {operation} {subject}: xenstored finds the request invalid"
    hint = "a path has letters, digits and - / _ @ only, no // and no / at the end, and at most 2048 bytes"


class QuotaExceeded(Refused):
    """A quota of the domain is used up, or the node would be too big."""

    code = "xenstore-quota"
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "cannot {operation} {subject}: a quota of xenstored is used up ({errno})"
    hint = "remove nodes or watches, or end transactions, that are not needed any more"


class Conflict(Refused):
    """Somebody else changed what the transaction had read; nothing of it was done."""

    code = "xenstore-conflict"
    http_status = HTTPStatus.CONFLICT
    template = "the transaction met changes by others, {attempts} times in a row; nothing of it was done"
    hint = "try again; shorter transactions over fewer nodes conflict less"


class NotOffered(Refused):
    """This server does not know the operation."""

    code = "xenstore-not-offered"
    http_status = HTTPStatus.NOT_IMPLEMENTED
    template = "cannot {operation} {subject}: this xenstored does not offer it"
    hint = "features came with Xen 4.21, quotas and depths of watches with 4.22"


class TooBig(XenstoreError):
    """A request does not fit into a message; it was not sent."""

    code = "xenstore-too-big"
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    template = "cannot {operation} {subject}: the request has {size} bytes, at most {most} can be sent"
    hint = "a message holds 4096 bytes, 4080 through /dev/xen/xenbus, with path and value together"


class NoServer(XenstoreError):
    """No xenstored could be reached."""

    code = "xenstore-no-server"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "no xenstored answers at {address}: {detail}"
    hint = "is xenstored running? XENSTORED_PATH or --socket names another socket or device"


class ConnectionLost(XenstoreError):
    """The connection ended while the request was under way: it may or may not have been done."""

    code = "xenstore-connection-lost"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "the connection to xenstored ended: {detail}"
    hint = "read what the request was to change before repeating it"


class Closed(XenstoreError):
    """The client was closed, by this program."""

    code = "xenstore-closed"
    template = "this connection to xenstored, or this watch, was closed"


class TimedOut(XenstoreError):
    """No answer in time; the request may still be done."""

    code = "xenstore-timeout"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "no answer from xenstored to {operation} {subject} within {seconds} s"
    hint = "is xenstored stopped, or is the machine overloaded?"


_CLASSES: Final[dict[str, type[Refused]]] = {
    "ENOENT": NoSuchPath,
    "EACCES": AccessDenied,
    "EPERM": AccessDenied,
    "EEXIST": ExistsAlready,
    "EINVAL": InvalidRequest,
    "ENOSPC": QuotaExceeded,
    "EQUOTA": QuotaExceeded,
    "E2BIG": QuotaExceeded,
    "ENOSYS": NotOffered,
    "EAGAIN": Conflict,
}


def refusal(request: requests.Request, errno: str) -> Refused:
    """The exception for an error that a server sent.

    Args:
        request: what was refused.
        errno: name of the error, as sent.
    """
    operation, subject = describe(request)
    kind = _CLASSES.get(errno, Refused)
    return kind(operation=operation, subject=subject, errno=errno, attempts=1)


def describe(request: requests.Request) -> tuple[str, str]:
    """A verb and its object, for messages to people."""
    verb = _VERBS.get(type(request).__name__, type(request).__name__)
    for name in ("path", "domid", "name"):
        value = getattr(request, name, None)
        if isinstance(value, bytes):
            return verb, value.decode("ascii", "backslashreplace") or "''"
        if value is not None:
            return verb, f"domain {value}"
    return verb, "xenstore"


_VERBS: Final = {
    "Control": "control",
    "Directory": "list",
    "DirectoryPart": "list",
    "Read": "read",
    "GetPerms": "read the permissions of",
    "Watch": "watch",
    "Unwatch": "stop watching",
    "TransactionStart": "start a transaction in",
    "TransactionEnd": "end a transaction in",
    "Introduce": "introduce",
    "Release": "release",
    "GetDomainPath": "find the directory of",
    "Write": "write",
    "Mkdir": "make",
    "Rm": "remove",
    "SetPerms": "set the permissions of",
    "IsDomainIntroduced": "ask for",
    "Resume": "resume",
    "SetTarget": "set the target of",
    "ResetWatches": "reset watches in",
    "GetFeature": "ask for features of",
    "SetFeature": "set features of",
    "GetQuota": "ask for quota",
    "SetQuota": "set quota",
}
