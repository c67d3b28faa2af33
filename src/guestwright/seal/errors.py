"""What can go wrong while sealing."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError, UnsupportedError, UsageError


class NoOperatingSystem(UnsupportedError):
    """None of the filesystems holds a system we know."""

    code = "no-operating-system"
    template = "no Linux root filesystem found on {images} (found: {found})"
    hint = "give all disks of the machine together; a data disk alone cannot be sealed"


class SeveralRoots(UnsupportedError):
    """More than one system on the disks."""

    code = "several-roots"
    template = "several systems on these disks: {roots}"
    hint = "say which one to seal with --root, for example --root {example}"


class UnknownRoot(UsageError):
    """--root names something that is not there."""

    code = "unknown-root"
    template = "--root {root}: no such root filesystem; found {roots}"


class MountIncomplete(UnsupportedError):
    """A part of the guest's tree is on a filesystem that cannot be reached, so it could not be sealed."""

    code = "mount-incomplete"
    template = "{mountpoint} ({spec}) cannot be reached: {reason}"
    hint = "add the disk that holds it, or accept an unsealed {mountpoint} with --allow-missing-mounts"


class OperationFailed(GuestwrightError):
    """One operation could not do its work; the run stops and nothing was changed."""

    code = "operation-failed"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "operation {operation}: {detail}"
    hint = "nothing was changed; leave it out with --disable {operation} if the template can do without"


class CheckFailed(GuestwrightError):
    """The filesystem would not be clean after sealing; nothing was changed."""

    code = "check-failed"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "{tool} finds errors on {filesystem}; the image was left as it was: {detail}"
    hint = "the image was most likely damaged before: repair it with e2fsck -f and try again"


class PlanStale(GuestwrightError):
    """The image is not what the saved plan was made for."""

    code = "plan-stale"
    http_status = HTTPStatus.CONFLICT
    template = "the plan {plan} does not fit the image any more: {detail}"
    hint = "make a new plan with `guestwright seal plan --save`, look at it, and apply that"


class PlanUnreadable(UsageError):
    """The plan file is no plan."""

    code = "plan-unreadable"
    template = "{plan}: {detail}"
    hint = "a plan is written by `guestwright seal plan --save FILE`"


class ManifestUnreadable(UsageError):
    """The manifest beside the image, or the one named, is none."""

    code = "manifest-unreadable"
    template = "{manifest}: {detail}"
    hint = "give the manifest of the image's sealing with --manifest, or move this file away"


class FileNotWritten(GuestwrightError):
    """A file that was asked for (plan, manifest, copy) cannot be written; no image was changed."""

    code = "file-not-written"
    template = "{path} cannot be written: {detail}"
    hint = "name a file in a directory that exists, is writable and has room"


class UnknownOperation(UsageError):
    """No operation of that name."""

    code = "unknown-operation"
    exit_status = EXIT_USAGE
    template = "unknown operation {name}"
    hint = "{suggestion}"


class OutputExists(UsageError):
    """--output would overwrite something."""

    code = "output-exists"
    http_status = HTTPStatus.CONFLICT
    template = "{path} exists already"
    hint = "choose another name or remove it first"
