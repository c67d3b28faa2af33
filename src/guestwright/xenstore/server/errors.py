"""What can go wrong with serving a xenstore."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.xenstore.core.errors import XenstoreError


class ServerError(XenstoreError):
    """Base of the errors about serving a xenstore."""

    code = "xenstore-server"
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR
    template = "xenstore server: {detail}"


class AlreadyServed(ServerError):
    """Another server owns the directory or the socket; nothing was touched."""

    code = "xenstore-already-served"
    http_status = HTTPStatus.CONFLICT
    template = "a xenstore is being served at {path} already ({detail})"
    hint = "stop that server, or give this one a directory of its own"


class BadSocket(ServerError):
    """A socket cannot be made."""

    code = "xenstore-bad-socket"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "no socket can be made at {path}: {detail}"
    hint = "the path must be free or a stale socket, at most 107 bytes long, in a directory that exists"


class UnusableState(ServerError):
    """The file with the saved state cannot be read or does not hold one; it was left as it is."""

    code = "xenstore-unusable-state"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "the saved state in {path} is not usable: {detail}"
    hint = "move the file away to start with an empty store; running domains will have to be restarted"


class StateNotSaved(ServerError):
    """The state could not be written; what was saved before is as it was."""

    code = "xenstore-state-not-saved"
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "the state of the store could not be saved in {path}: {detail}"
    hint = "make room or correct the permissions of the directory"


class UnknownDomain(ServerError):
    """A domain that the host does not know, or that cannot be a guest."""

    code = "xenstore-unknown-domain"
    http_status = HTTPStatus.NOT_FOUND
    template = "domain {domid} cannot be served as a guest"
    hint = "a guest's number is between 1 and 32751, and the host must know it"
