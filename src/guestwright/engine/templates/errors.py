"""What can go wrong with making templates, and machines from them."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class TemplateError(GuestwrightError):
    """Base of what making templates raises."""

    code = "template"
    template = "template {template}: {problem}"


class BadTemplateRequest(TemplateError):
    """The request for a template or a machine makes no sense."""

    code = "template-request-bad"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{field}: {problem}"


class TemplateNotReady(TemplateError):
    """No machine can be made of it: it is not whole, or being taken away."""

    code = "template-not-ready"
    http_status = HTTPStatus.CONFLICT
    template = "template {template} is {state}: no machine can be made of it"


class MachineHeld(TemplateError):
    """The machine cannot be had: it runs, or another job is at work on it."""

    code = "template-machine-held"
    http_status = HTTPStatus.CONFLICT
    template = "machine {vm} cannot be made a template of: {problem}"
    hint = "Shut it down, and let other work on it end."


class DiskNotFree(TemplateError):
    """No template can be made of this disk, and it is not removed."""

    code = "template-disk-not-free"
    http_status = HTTPStatus.CONFLICT
    template = "disk {disk} is not free: {problem}"
    hint = "wait for the job, or remove what has it; `guestwright disk upload` makes another one"


class ImportedDiskChanged(TemplateError):
    """A disk that was uploaded is not the one of the package."""

    code = "template-disk-changed"
    http_status = HTTPStatus.CONFLICT
    template = "disk {disk} has the digest {found}; the package says {expected}"
    hint = "It was damaged on its way; import the package again."


class TemplateUsed(TemplateError):
    """It cannot be removed: machines were made from it."""

    code = "template-used"
    http_status = HTTPStatus.CONFLICT
    template = "template {template} is what {count} machines were made from"
    hint = "Remove these first."
