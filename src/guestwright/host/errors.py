"""What can go wrong in the service of a host."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class HostError(GuestwrightError):
    """Base of the errors of the host service."""

    code = "host"
    template = "{problem}"


class NotEnoughMemory(HostError):
    """Not even with every guest at its minimum would there be enough memory."""

    code = "host-not-enough-memory"
    http_status = HTTPStatus.CONFLICT
    template = "{needed} KiB cannot be freed: with all guests at their minimum there would be {possible} KiB"
    hint = "lower the dynamic minimum of some guests, shut some down, or ask for less"


class GuestsKeepMemory(HostError):
    """Guests that should give memory back do not."""

    code = "host-guests-keep-memory"
    http_status = HTTPStatus.CONFLICT
    template = "{needed} KiB cannot be freed ({possible} KiB can): these guests give none back: {domains}"
    hint = "look at the balloon drivers of these guests; they are tried again after a while"


class NoSuchReservation(HostError):
    """There is no reservation of this name, or it is gone."""

    code = "host-no-such-reservation"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no reservation {reservation}"


class BadReservation(HostError):
    """A reservation was asked for that makes no sense."""

    code = "host-bad-reservation"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "reservation {reservation}: {problem}"


class BadCatalogue(HostError):
    """The catalogue of released tools is not usable."""

    code = "host-bad-catalogue"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "the catalogue of tools is not usable: {problem}"
    hint = 'it is a JSON object of families ("linux") with lists of versions ("1.2.0")'


class SysprepRefused(HostError):
    """A sysprep was not begun; the guest and its drives are as they were."""

    code = "host-sysprep-refused"
    http_status = HTTPStatus.CONFLICT
    template = "{domain} cannot be generalised now ({cause}): {problem}"
    hint = "{remedy}"


class AnswersTooBig(HostError):
    """The answer file is larger than guests take."""

    code = "host-answers-too-big"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    template = "the answer file has {size} bytes; {most} are the most"


class SysprepFailed(HostError):
    """A sysprep was begun and did not come to its end; the medium is out and destroyed."""

    code = "host-sysprep-failed"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "{domain} was not generalised ({failure}): {detail}"
    hint = "the guest may be half-way: look at it before it is used, or go back to its last snapshot"


class MediumNotKept(HostError):
    """An image with answers cannot be written or removed."""

    code = "host-medium-not-kept"
    template = "the image with the answers cannot be kept in {directory}: {problem}"
    hint = "the directory must belong to the service, with mode 0711; /run has room in memory"
