"""What can go wrong with payload objects. Contents never appear."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class PayloadObjectError(GuestwrightError):
    """Base of the errors of payload objects."""

    code = "payload-object"
    template = "{problem}"


class BadKeyFile(PayloadObjectError):
    """The file of keys is not usable."""

    code = "payload-object-bad-keys"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "the keys in {path} are not usable: {problem}"
    hint = "the file belongs to the engine's user, mode 0600; each line is a key's id and 32 bytes in base64"


class KeyMissing(PayloadObjectError):
    """The key that encrypted it is not in the file of keys."""

    code = "payload-object-key-missing"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "version {number} of payload {payload} needs the key {key}, which is not there"
    hint = "put the key back into the file of keys, from the backup that belongs to the database"


class ContentsDamaged(PayloadObjectError):
    """What is kept is not what was encrypted, or belongs elsewhere."""

    code = "payload-object-damaged"
    template = "version {number} of payload {payload} cannot be decrypted"
    hint = "restore the database and the file of keys from one backup, or give the payload again"


class NoSuchVersion(PayloadObjectError):
    """A payload has no such version."""

    code = "payload-object-no-version"
    http_status = HTTPStatus.NOT_FOUND
    template = "payload {payload} has no version {number}"


class VersionUsed(PayloadObjectError):
    """A version is the newest, or somebody asked for exactly this one."""

    code = "payload-object-version-used"
    http_status = HTTPStatus.CONFLICT
    template = "version {number} of payload {payload} is {use}"


class BadAttachment(PayloadObjectError):
    """A payload cannot be attached like this."""

    code = "payload-object-bad-attachment"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "the payload is not attached: {problem}"
