"""What can go wrong in putting the service together, and what it refuses."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE
from guestwright.host.errors import HostError


class BadConfiguration(HostError):
    """The service's file of settings cannot be used; nothing was started."""

    code = "host-bad-configuration"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{path}: {key}: {problem}"
    hint = "docs/host.md lists what can be set; `guestwright host serve --check` only reads the file"


class ServiceRunsAlready(HostError):
    """Another service has this directory."""

    code = "host-service-runs-already"
    http_status = HTTPStatus.CONFLICT
    template = "{directory} is in use by the service with process id {holder}"
    hint = "stop that one, or give this one directories of its own"


class DirectoryNotUsable(HostError):
    """A directory of the service cannot be made or used."""

    code = "host-directory-not-usable"
    template = "{directory} cannot be used: {problem}"
    hint = "the service runs as root; systemd makes the directories with StateDirectory and RuntimeDirectory"


class OperationRefused(HostError):
    """What was asked for is not possible with this domain now; nothing was done."""

    code = "host-operation-refused"
    http_status = HTTPStatus.CONFLICT
    template = "{operation} of {domain} is not possible now ({cause}): {problem}"
    hint = "{remedy}"


class PowerUnanswered(HostError):
    """A guest on Xen did not take note of what it was asked for; the request is taken back."""

    code = "host-power-unanswered"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "{domain} took no note of {action} within {seconds} s; the request is taken back"
    hint = "the guest hangs, or its kernel does not follow control/shutdown; kill ends it at once"


class PartFailed(HostError):
    """A part of the service has ended by a fault of its own; the service stops, to be started again."""

    code = "host-part-failed"
    template = "the service's part {part} failed: {problem}"
    hint = "the log has the details; systemd starts the service again, domains and guests run on"
