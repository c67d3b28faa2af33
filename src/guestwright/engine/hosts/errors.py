"""What can go wrong with orders to hosts, besides what the hosts themselves say."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import GuestwrightError


class HostOrderError(GuestwrightError):
    """Base of these errors."""

    code = "host-order"
    template = "{problem}"


class HostOrderImpossible(HostOrderError):
    """No single host can do it."""

    code = "host-order-impossible"
    http_status = HTTPStatus.CONFLICT
    template = "{what} cannot be done: {problem}"
    hint = "templates and machines are made on the host and in the storage where their disks are"


class HostOrderGivenUp(HostOrderError):
    """Somebody cancelled on the host what the engine had ordered."""

    code = "host-order-given-up"
    http_status = HTTPStatus.CONFLICT
    template = "{kind} was given up on host {host}"
    hint = "somebody cancelled it there, as with `guestwright host job cancel`"
