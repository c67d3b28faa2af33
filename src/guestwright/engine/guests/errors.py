"""What can go wrong between the engine and the host of a machine."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import GuestwrightError


class MachineActionError(GuestwrightError):
    """Base of these errors."""

    code = "machine-action"
    template = "{problem}"


class MachineNowhere(MachineActionError):
    """No host has it."""

    code = "machine-nowhere"
    http_status = HTTPStatus.CONFLICT
    template = "machine {vm} is on no host that is known"
    hint = "its host has lost it, or it is still being made"


class MachineHostSilent(MachineActionError):
    """Its host cannot be asked; nothing was done."""

    code = "machine-host-silent"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "host {host} of machine {vm} cannot be asked: {problem}"
    hint = "look at the host's service; nothing was done"


class MachineHostLost(MachineActionError):
    """Its host was asked and did not answer."""

    code = "machine-host-lost"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "host {host} of machine {vm} was asked, and gave no answer: {problem}"
    hint = "it may have been done or not: look before it is asked for again"


class MachineHostRefuses(MachineActionError):
    """Its host does not let the engine do this."""

    code = "machine-host-refuses"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "host {host} of machine {vm} does not let the engine do this: {problem}"
    hint = "the engine's certificate needs another role there, or the host's settings must allow it"


class NoSuchSysprep(MachineActionError):
    """The host knows no such sysprep of this machine."""

    code = "machine-sysprep-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "machine {vm} has no sysprep {job}"
