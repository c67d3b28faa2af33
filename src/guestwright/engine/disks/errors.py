"""What can go wrong with uploads and downloads of disks."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class DiskTransferError(GuestwrightError):
    """Base of these errors."""

    code = "disk-transfer"
    template = "{problem}"


class BadUpload(DiskTransferError):
    """What is to be uploaded cannot be, as it is described."""

    code = "disk-upload-bad"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "{field}: {problem}"


class NoRoomForDisk(DiskTransferError):
    """The storage domain has less room than the file needs."""

    code = "disk-no-room"
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "storage {storage} has {free} bytes free; the file has {needed}"
    hint = "remove what is not needed there, or take another storage domain: `guestwright storage list`"


class OutsideUpload(DiskTransferError):
    """The range is not within the file that was announced; nothing of it was written."""

    code = "disk-upload-outside"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    template = "upload {upload} is of a file of {size} bytes: {problem}"


class UploadEnding(DiskTransferError):
    """A job ends the upload; nothing can be written any more."""

    code = "disk-upload-ending"
    http_status = HTTPStatus.CONFLICT
    template = "upload {upload} is being finished by job {job}"
    hint = "wait for the job; if it fails the upload can go on"


class DiskEmpty(DiskTransferError):
    """The disk has no content."""

    code = "disk-empty"
    http_status = HTTPStatus.CONFLICT
    template = "disk {disk} has no content: {problem}"


class DiskIsLayer(DiskTransferError):
    """The disk's volume holds only what differs from another one."""

    code = "disk-is-layer"
    http_status = HTTPStatus.CONFLICT
    template = "disk {disk} stands on another one; its volume {volume} is not the whole of it"
    hint = (
        "make a machine with whole copies (`guestwright vm create --full`), or a template, and take its disks"
    )


class DiskElsewhere(DiskTransferError):
    """The disk lies on another host than the machine."""

    code = "disk-elsewhere"
    http_status = HTTPStatus.CONFLICT
    template = "disk {disk} is not on the host of {vm}"
    hint = "upload the image to a storage domain of that host: `guestwright disk upload`"


class NoSuchRange(DiskTransferError):
    """The range that is asked for begins behind the end of the file."""

    code = "disk-range-empty"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    template = "the file of disk {disk} has {size} bytes; there is nothing in the range"


class DiskHostSilent(DiskTransferError):
    """The host cannot be asked; nothing was done."""

    code = "disk-host-silent"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "host {host} cannot be asked: {problem}"
    hint = "look at the host's service; nothing was done"


class DiskHostLost(DiskTransferError):
    """The host was asked and did not answer."""

    code = "disk-host-lost"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "host {host} was asked, and gave no answer: {problem}"
    hint = "ask the upload what is missing, and go on with that"


class DiskHostRefuses(DiskTransferError):
    """The host does not let the engine do this."""

    code = "disk-host-refuses"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "host {host} does not let the engine do this: {problem}"
    hint = "the engine's certificate needs another role there, or the host's settings must allow it"
