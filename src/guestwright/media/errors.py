"""What can go wrong with media."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class MediaError(GuestwrightError):
    """Base of the errors about media."""

    code = "media"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "medium: {detail}"


class MediaRequestError(MediaError):
    """The medium that was asked for cannot be; nothing was written."""

    code = "media-request"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "medium: {detail}"


class BadMediaName(MediaRequestError):
    """A file or folder cannot have this name on the medium."""

    code = "media-name"
    template = "name {path} on the medium: {problem}"
    hint = "choose another name for it"


class MediaNameClash(MediaRequestError):
    """Two files or folders of one folder have names that some guest takes for one."""

    code = "media-name-clash"
    template = "names {path} and {other} on the medium: {problem}"
    hint = "give them names that differ by more than upper and lower case"


class MediaTooBig(MediaRequestError):
    """The contents, or a number of things, exceed what the format can hold."""

    code = "media-too-big"
    template = "medium: {what} is {value}, but at most {limit} {why}"
    hint = "put less on the medium, or choose another kind of medium"


class BadVolumeId(MediaRequestError):
    """The volume id or label cannot be written."""

    code = "media-volume-id"
    template = "volume id {volume_id}: {problem}"


class MediaSourceError(MediaError):
    """A file of the host that should go on the medium cannot be read, or became shorter."""

    code = "media-source"
    template = "file {path} for the medium: {problem}"


class DamagedMedium(MediaError):
    """An image is not a medium that can be read, or contradicts itself."""

    code = "media-damaged"
    template = "image of a medium: {problem}"
    hint = "check where the image comes from and whether it is complete"


class MediaNotFound(MediaError):
    """No such file on the medium."""

    code = "media-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "{path} is not on the medium"


class MediaOutputError(MediaError):
    """The image file cannot be created, or not be destroyed."""

    code = "media-output"
    template = "image {path}: {problem}"
