"""What can go wrong when the host acts on a guest."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE
from guestwright.host.errors import HostError


class CallEnded(HostError):
    """A call was ended by the host before its own end."""

    code = "host-call-ended"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "the call to {domain} was ended: {reason}"
    hint = "what it started in the guest is ended too, as far as the guest's agent answers"


class BadGuestRequest(HostError):
    """What is asked of the guest makes no sense; nothing was touched."""

    code = "host-guest-request"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{what}: {problem}"


class ReservationRefused(HostError):
    """The balloon controller is not there to grant memory."""

    code = "host-balloon-stopped"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "memory for {reservation} cannot be reserved: {problem}"
