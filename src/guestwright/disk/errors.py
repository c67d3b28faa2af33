"""What can go wrong with disk images."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_PENDING, GuestwrightError, UnsupportedError, UsageError


class DiskError(GuestwrightError):
    """Base of the errors about disk images."""

    code = "disk"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "disk image {path}: {detail}"


class OutOfRange(DiskError):
    """An access outside a block device; nothing happened."""

    code = "disk-out-of-range"
    template = "access of {length} bytes at offset {offset} lies outside a device of {size} bytes"


class NotWritable(DiskError):
    """A write to a device that was opened for reading."""

    code = "disk-not-writable"
    template = "disk image {path} is open for reading only"


class DiskIO(DiskError):
    """The host's storage failed while an image was read or written."""

    code = "disk-io"
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR
    template = "disk image {path}: cannot {action}: {detail}"
    hint = "look into the host's kernel log and at the storage that holds the image"


class ImageNotFound(DiskError):
    """No file at the path."""

    code = "disk-image-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "disk image {path}: no such file"


class ImageDenied(DiskError):
    """The caller may not open the file."""

    code = "disk-image-denied"
    http_status = HTTPStatus.FORBIDDEN
    template = "disk image {path}: permission denied"
    hint = "run as a user that may read the image, and write it and its directory to change it"


class ImageUnusable(DiskError):
    """A directory, a pipe, an empty file: never a disk image."""

    code = "disk-image-unusable"
    template = "disk image {path}: {found}, expected a disk image file or a block device"


class ImageInUse(DiskError):
    """Somebody else (a running machine, another run) holds the image."""

    code = "disk-image-in-use"
    http_status = HTTPStatus.CONFLICT
    template = "disk image {path} is in use: {detail}"
    hint = "shut the machine down, or wait until the other program is done with the image"


class FormatNotStated(UsageError):
    """The format is neither stated nor to be told from the file's name."""

    code = "disk-format-not-stated"
    template = "disk image {path}: its format is not stated and {reason}"
    hint = "state it with --format (one of {formats}); it is never guessed from the content"


class FormatMismatch(UsageError):
    """The content contradicts the format."""

    code = "disk-format-mismatch"
    template = "disk image {path}: expected format {expected}, but its content begins like {found}"
    hint = "state --format {found_format} if that is what the image is, or --format {expected} if it is not"


class ImageCorrupt(DiskError):
    """The image's own metadata contradicts itself."""

    code = "disk-image-corrupt"
    template = "disk image {path}: damaged: {detail}"
    hint = "try qemu-img check on it; nothing was changed"


class ImageUnsupported(UnsupportedError):
    """An image with a feature that cannot be handled."""

    code = "disk-image-unsupported"
    template = "disk image {path}: {detail}"
    hint = "convert it first: qemu-img convert -O qcow2"


class ImageNotAlone(UnsupportedError):
    """An image that names other files (backing file, external data) and was not allowed to."""

    code = "disk-image-not-alone"
    template = "disk image {path} depends on {kind} {other}"
    hint = "allow it with --allow-backing if you trust the image, or flatten it with qemu-img convert"


class ImageHasSnapshots(UnsupportedError):
    """Internal snapshots: they would keep everything that sealing removes."""

    code = "disk-image-has-snapshots"
    template = "disk image {path} contains {count} internal snapshot(s), which would keep what is erased"
    hint = "delete them with qemu-img snapshot -d, or accept it with --allow-snapshots"


class NbdFailed(DiskError):
    """qemu-nbd, or what it said, was not what the NBD protocol promises."""

    code = "disk-nbd-failed"
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR
    template = "disk image {path}: the NBD server failed: {detail}"


class ConnectionEnded(NbdFailed):
    """The server went away or does not answer."""

    code = "disk-nbd-ended"
    template = "disk image {path}: the NBD server {detail}"


class PartitionTableInvalid(DiskError):
    """A partition table that contradicts itself or the disk."""

    code = "disk-partition-table-invalid"
    template = "partition table: {detail}"
    hint = "repair it first (sfdisk --verify, sgdisk --verify); nothing was changed"


class HostNoSpace(DiskError):
    """The host's storage is full; the image was not touched."""

    code = "disk-host-no-space"
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "no space left on the host for {path} while {action}"
    hint = "free space on that filesystem and run again; the image was not changed"


class CommitPending(DiskError):
    """The change is decided and logged, but not yet wholly in the image."""

    code = "disk-commit-pending"
    exit_status = EXIT_PENDING
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "disk image {path}: the change is only partly in the image: {detail}"
    hint = (
        "do not start the machine; remove the cause (free space, repair the storage) and open the image "
        "again: the rest is then written from {log}"
    )


class RedoRefused(DiskError):
    """A redo log that must not be applied to what lies at the image's path now."""

    code = "disk-redo-refused"
    exit_status = EXIT_PENDING
    http_status = HTTPStatus.CONFLICT
    template = "redo log {log} does not fit disk image {path}: {detail}"
    hint = (
        "the log finishes an interrupted change; put the image it belongs to back and open it again, or, if "
        "that image is gone for good or the change is not wanted, delete the log file"
    )


class RedoDamaged(DiskError):
    """A redo log with a commit mark whose content fails its checks."""

    code = "disk-redo-damaged"
    exit_status = EXIT_PENDING
    http_status = HTTPStatus.CONFLICT
    template = "redo log {log} is damaged: {detail}"
    hint = "the image may hold half of a change: restore it from a copy, then delete the log file"
