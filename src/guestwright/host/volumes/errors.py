"""What can go wrong with volumes."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class VolumeError(GuestwrightError):
    """Base of the errors about volumes."""

    code = "volume"
    template = "{problem}"


class BadVolume(VolumeError):
    """A name, size, format or attribute that no volume can have; nothing was touched."""

    code = "volume-bad"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "volume {volume}: {problem}"


class NoSuchDomain(VolumeError):
    """The service has no storage domain of this name."""

    code = "volume-domain-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no storage domain {domain}"


class DomainUnusable(VolumeError):
    """The directory is not a storage domain, or others than its owner may write to it."""

    code = "volume-domain-unusable"
    template = "{path} cannot be a storage domain: {problem}"
    hint = "it is a directory of the service's own, mode 0711 or tighter, made by the service"


class NoSuchVolume(VolumeError):
    """There is no volume of this name."""

    code = "volume-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no volume {volume}"


class VolumeExists(VolumeError):
    """The name is taken."""

    code = "volume-exists"
    http_status = HTTPStatus.CONFLICT
    template = "there is a volume {volume} already"


class VolumeDamaged(VolumeError):
    """What the directory holds for a volume contradicts itself."""

    code = "volume-damaged"
    template = "volume {volume} is damaged: {problem}"
    hint = "look at its files; the list for cleaning names them"


class GenerationMismatch(VolumeError):
    """Somebody has changed the volume since the caller looked."""

    code = "volume-generation-mismatch"
    http_status = HTTPStatus.CONFLICT
    template = "volume {volume} is of generation {found}, not {expected}"
    hint = "look at it again, then decide anew"


class WrongState(VolumeError):
    """The volume is not in a state in which this can be done to it."""

    code = "volume-wrong-state"
    http_status = HTTPStatus.CONFLICT
    template = "volume {volume} is {state}: {problem}"


class VolumeHeld(VolumeError):
    """A job is at work on the volume, or another one than the caller's."""

    code = "volume-held"
    http_status = HTTPStatus.CONFLICT
    template = "volume {volume} is held by job {job} ({verb})"
    hint = "wait for that job's end, or cancel it"


class HasChildren(VolumeError):
    """Other volumes stand on this one."""

    code = "volume-has-children"
    http_status = HTTPStatus.CONFLICT
    template = "volume {volume} is the parent of {children}"
    hint = "delete those first"


class StorageFull(VolumeError):
    """No room; nothing half-made was left."""

    code = "volume-storage-full"
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "no room in {path} while {action}"
    hint = "free space there and do it again"


class StorageFailed(VolumeError):
    """The host's storage failed."""

    code = "volume-storage-failed"
    template = "{path}: {action} failed: {problem}"
    hint = "look into the host's kernel log and at the storage"


class ContentDiffers(VolumeError):
    """What was sent is not what was announced; it has to be sent again."""

    code = "volume-content-differs"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "volume {volume}: {what} is {found}, {expected} was announced"
    hint = "send it again"


class UploadIncomplete(VolumeError):
    """Parts have not arrived yet."""

    code = "volume-upload-incomplete"
    http_status = HTTPStatus.CONFLICT
    template = "volume {volume}: {missing} bytes have not arrived, the first at {first}"
    hint = "send what is missing; the state of the upload lists it"


class OutOfBounds(VolumeError):
    """A range outside of the file."""

    code = "volume-range"
    http_status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    template = "volume {volume}: {length} bytes at {offset} lie outside of its {size}"


class ToolFailed(VolumeError):
    """qemu-img, or the process that seals, came to no good end."""

    code = "volume-tool-failed"
    template = "{tool} failed: {detail}"
