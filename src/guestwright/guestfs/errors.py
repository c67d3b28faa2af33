"""What can go wrong with a guest's files."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import GuestwrightError, UnsupportedError


class GuestFSError(GuestwrightError):
    """Base of the errors about one path in a guest."""

    code = "guest-file"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "guest file {path}: {detail}"


class NotFound(GuestFSError):
    """No such path."""

    code = "guest-file-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "guest file {path}: no such file or directory"


class AlreadyExists(GuestFSError):
    """The path is taken."""

    code = "guest-file-exists"
    http_status = HTTPStatus.CONFLICT
    template = "guest file {path}: exists already"


class WrongKind(GuestFSError):
    """A directory where a file is needed, or the like."""

    code = "guest-file-wrong-kind"
    template = "guest file {path}: is a {found}, expected {expected}"


class TooManyLinks(GuestFSError):
    """A chain or loop of symlinks."""

    code = "guest-too-many-links"
    template = "guest file {path}: more than {limit} symbolic links in one look-up"


class TooLarge(GuestFSError):
    """A file, directory or name beyond what we are willing to take from a guest."""

    code = "guest-file-too-large"
    template = "guest file {path}: {size} is over the limit of {limit}"


class NoSpace(GuestFSError):
    """The guest's filesystem has no room left."""

    code = "guest-no-space"
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "guest file {path}: no space left on its filesystem"
    hint = "free space in the guest, or enlarge the filesystem before sealing"


class Corrupt(GuestFSError):
    """The filesystem contradicts itself."""

    code = "guest-filesystem-corrupt"
    template = "guest filesystem {filesystem} is damaged: {detail}"
    hint = "repair it first (e2fsck -f, xfs_repair, btrfs check); nothing was changed"


class UnsupportedFilesystem(UnsupportedError):
    """A feature or type that the driver cannot handle safely; found before the first write."""

    code = "guest-filesystem-unsupported"
    template = "guest filesystem {filesystem}: {detail}"
    hint = "{advice}"


class DriverFailed(GuestwrightError):
    """The driver's process died, hung or answered nonsense."""

    code = "guest-driver-failed"
    template = "the {driver} driver failed: {detail}"
    hint = "nothing was changed; if the image comes from a stranger, suspect the image"


class DriverMissing(UnsupportedError):
    """A library or tool that the driver needs is not installed."""

    code = "guest-driver-missing"
    template = "the {driver} driver needs {needs}, which is not on this host"
    hint = "{advice}"


class WindowsGuest(UnsupportedError):
    """An NTFS system: only Windows itself can generalise it."""

    code = "windows-guest"
    template = "{filesystem} holds NTFS: a Windows guest cannot be sealed from outside"
    hint = (
        "run `sysprep.exe /generalize /oobe /shutdown` inside the guest, then take the template; give clones "
        "their answers with an unattend.xml on a CD"
    )


class EncryptedGuest(UnsupportedError):
    """A LUKS volume: its content cannot be seen, and all clones would share its key."""

    code = "encrypted-guest"
    template = (
        "{filesystem} is encrypted with LUKS: its files cannot be sealed, and clones would share its key"
    )
    hint = "install the template unencrypted and let each clone encrypt itself, or seal it from inside"


class HibernatedGuest(UnsupportedError):
    """A suspended system: its memory lies in swap and it would write stale state on resume."""

    code = "hibernated-guest"
    template = "{filesystem} holds a hibernated system"
    hint = "start the guest and shut it down completely, then seal it"


class ApplianceNeeded(UnsupportedError):
    """Only the appliance driver can do this."""

    code = "appliance-needed"
    template = "{what} needs the appliance driver"
    hint = "run it again with --driver appliance (slower: it starts a small virtual machine)"


class ScriptFailed(GuestwrightError):
    """A script of the caller, run over the guest's files, did not end well."""

    code = "guest-script-failed"
    template = "the script {command} {outcome}"
    hint = "its output stands above; nothing was changed in the images"
