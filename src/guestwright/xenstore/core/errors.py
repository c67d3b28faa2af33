"""What can go wrong with the state of a xenstore, as opposed to what the protocol answers."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import GuestwrightError


class XenstoreError(GuestwrightError):
    """Base of the errors about xenstores."""

    code = "xenstore"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "xenstore: {detail}"


class BadState(XenstoreError):
    """A saved state cannot be restored; nothing was changed."""

    code = "xenstore-bad-state"
    template = "the saved state of the xenstore is not usable: {detail}"
    hint = "start with an empty store; domains that are running now will have to be restarted"


class BadMessage(XenstoreError):
    """A message does not have the form that its operation prescribes."""

    code = "xenstore-bad-message"
    template = "a xenstore message of type {kind} is malformed: {detail}"
    hint = "the other side does not speak the protocol of Xen 4.17 to 4.22"
