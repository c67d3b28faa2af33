"""The medium of one sysprep: a CD image that exists only while it is needed.

Theory of operation: the image is laid out in memory and written once, to a file that nobody else can read and
whose name cannot be guessed, in a directory of the service's own (one in memory, such as below /run, is
right). What uses the image opens it by name, so it must have one. The file is removed as soon as the drive
is empty, and when the drive does not let go, all the same: its contents go first, then its name.

A service that was killed leaves such files behind; `leftovers` finds them, so that they can be ejected from
whatever still has them, and destroyed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Final, Protocol

from guestwright.host.errors import MediumNotKept

_SUFFIX: Final = ".sysprep.iso"
_NAME: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz-")
_LEFTOVERS_MAX: Final = 10_000


class Drive(Protocol):
    """A CD drive of a domain. Calls may raise a `GuestwrightError`."""

    def insert(self, path: str) -> None:
        """Put an image in."""

    def eject(self, path: str, *, force: bool) -> None:
        """Take it out, if it is this one. A drive without it, or a domain that is gone, is no error."""


class FileMedium:
    """See the module. It is what `conversation.Medium` asks for.

    Args:
        directory: of the service, made if need be; others may pass through it, but not list it.
        name: lower-case letters, digits and "-"; unguessable, such as a run id.
        image: makes the image; its contents are secret.
        drive: where it goes.
        owner: user and group of whoever opens it; None for the service's own.
    """

    def __init__(
        self,
        directory: str,
        name: str,
        image: Callable[[], bytes],
        drive: Drive,
        *,
        owner: tuple[int, int] | None = None,
    ) -> None:
        if not name or not _NAME.issuperset(name):
            raise ValueError("the name of a medium has lower-case letters, digits and -")
        self.path = os.path.join(directory, name + _SUFFIX)
        self._directory = directory
        self._image = image
        self._drive = drive
        self._owner = owner
        self._ejects = 0

    def insert(self) -> None:
        """Write the image and put it into the drive.

        Raises:
            MediumNotKept: the image cannot be written, or its directory is not the service's alone.
            GuestwrightError: the drive does not take it.
        """
        data = self._image()
        try:
            own_directory(self._directory)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o600)
            try:
                if self._owner is not None:
                    os.fchown(descriptor, *self._owner)
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise MediumNotKept(directory=self._directory, problem=error.strerror or str(error)) from error
        self._drive.insert(self.path)

    def eject(self) -> None:
        """Take it out of the drive; by force the second time."""
        self._ejects += 1
        self._drive.eject(self.path, force=self._ejects > 1)

    def destroy(self) -> None:
        """Remove contents and name.

        Raises:
            MediumNotKept: the file is still there.
        """
        destroy(self.path)


def destroy(path: str) -> None:
    """Remove an image: its contents, which a drive may still hold open, then its name.

    Raises:
        MediumNotKept: it is still there.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        directory = os.path.dirname(path)
        raise MediumNotKept(directory=directory, problem=error.strerror or str(error)) from error


def leftovers(directory: str) -> list[str]:
    """Paths of images that a former service has left; none when there is no such directory.

    Raises:
        MediumNotKept: the directory is not the service's alone.
    """
    try:
        own_directory(directory, make=False)
        with os.scandir(directory) as entries:
            found = [one.path for one in entries if one.name.endswith(_SUFFIX)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MediumNotKept(directory=directory, problem=error.strerror or str(error)) from error
    return sorted(found)[:_LEFTOVERS_MAX]


def own_directory(path: str, *, make: bool = True) -> None:
    """Make sure that a directory is ours, and that nobody else can write or list it.

    Raises:
        OSError: it is not, or cannot be made.
    """
    if make:
        try:
            os.mkdir(path, 0o711)
        except FileExistsError:
            pass
        else:
            os.chmod(path, 0o711)  # noqa: S103 - the emulator, another user, must pass; whatever the umask
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is no directory")
    if found.st_uid != os.geteuid() or found.st_mode & 0o066:
        raise PermissionError(errno.EPERM, "others may write or list it, or own it")
