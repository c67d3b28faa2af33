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


class NoSuchKey(PayloadObjectError):
    """A key that is to be used is not in the file of keys."""

    code = "payload-object-no-key"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no key {key} in {path}"
    hint = "copy the file in which it was staged to this engine first"


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


class PayloadUploadError(PayloadObjectError):
    """Base of the errors of uploads of payloads."""

    code = "payload-upload"


class BadPayloadUpload(PayloadUploadError):
    """What is to be uploaded cannot be, as it is described."""

    code = "payload-upload-bad"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "{field}: {problem}"


class OutsidePayloadUpload(PayloadUploadError):
    """The range is not within the bytes that were announced; nothing of it was kept."""

    code = "payload-upload-outside"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    template = "upload {upload} is of {size} bytes: {problem}"


class TooManyPieces(PayloadUploadError):
    """An upload is in more pieces than are kept; nothing of the last one was."""

    code = "payload-upload-many-pieces"
    http_status = HTTPStatus.CONFLICT
    template = "upload {upload} is in more than {most} pieces"
    hint = "send larger pieces, or those between the ones that have arrived first"


class TooManyPayloadUploads(PayloadUploadError):
    """A user has as many uploads under way as anybody may have."""

    code = "payload-upload-many"
    http_status = HTTPStatus.CONFLICT
    template = "{name} has {most} uploads of payloads under way already"
    hint = "give some of them up: `guestwright payload uploads`"


class PayloadIncomplete(PayloadUploadError):
    """Not all of it has arrived."""

    code = "payload-upload-incomplete"
    http_status = HTTPStatus.CONFLICT
    template = "of upload {upload} {count} bytes have not arrived, from {first} on"
    hint = "send what is missing, and finish again"


class PayloadDiffers(PayloadUploadError):
    """What has arrived has another checksum than was said."""

    code = "payload-upload-differs"
    http_status = HTTPStatus.CONFLICT
    template = "what has arrived of upload {upload} has another SHA-256"
    hint = "send it again, over what is there, and finish again"


class PayloadUploadChanging(PayloadUploadError):
    """Somebody wrote to it while it was being finished; it is as before."""

    code = "payload-upload-changing"
    http_status = HTTPStatus.CONFLICT
    template = "upload {upload} was written to while it was being finished"
    hint = "finish it when all has arrived"


class PieceUnreadable(PayloadUploadError):
    """A piece that is kept cannot be decrypted."""

    code = "payload-upload-unreadable"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "what has arrived of upload {upload} cannot be read: {problem}"
    hint = "give the upload up and begin anew, or put back the file of keys that belongs to the database"
