"""Files in one directory of the service's own, never through a symbolic link.

Theory of operation: the directory is opened once, and every file by its name relative to that. A file is
written to another name, flushed, and renamed over the old, then the directory is flushed: at each moment
the old or the new is there, whole.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from guestwright.disk.failpoints import reached
from guestwright.host.volumes.errors import (
    DomainUnusable,
    NoSuchVolume,
    StorageFailed,
    StorageFull,
    VolumeDamaged,
    VolumeError,
)

NEW: Final = ".new"
_MODE: Final = 0o600
_ENTRIES_MAX: Final = 200_000
_OPEN_MODE: Final = 0o711  # the hypervisor's user gets at the images by their names, and sees no others
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.EISDIR})
_SAFE: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Directory:
    """See the module. Its calls may come from any thread. Each raises StorageFull or StorageFailed besides.

    Args:
        path: of the directory.
        make: make it if it is not there.

    Raises:
        DomainUnusable: it is none, or not this user's alone.
    """

    def __init__(self, path: str, *, make: bool = False) -> None:
        self.path: Final = os.path.abspath(path)
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(self.path, _OPEN_MODE)
                    os.chmod(self.path, _OPEN_MODE)  # whatever the umask of the service
            self._fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise DomainUnusable(path=self.path, problem=error.strerror or str(error)) from error
        found = os.fstat(self._fd)
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            self.close()
            raise DomainUnusable(path=self.path, problem="it is another user's, or others may write to it")

    def close(self) -> None:
        """Let go of the directory; may be called twice."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def names(self) -> list[str]:
        """Names of everything in it, sorted."""
        with self.sound("listing"):
            found = sorted(os.listdir(self._fd))
        if len(found) > _ENTRIES_MAX:
            raise StorageFailed(path=self.path, action="listing", problem=f"{len(found)} files in it")
        return found

    def look(self, name: str) -> os.stat_result | None:
        """What is there under a name, a link itself rather than where it leads; None for nothing."""
        with self.sound("looking"):
            try:
                return os.lstat(name, dir_fd=self._fd)
            except FileNotFoundError:
                return None

    def read(self, name: str, most: int, *, volume: str) -> bytes:
        """The first bytes of a file.

        Raises:
            NoSuchVolume, VolumeDamaged: there is none; it is something else than a file.
        """
        fd = self.open(name, volume=volume)
        try:
            with self.sound("reading"):
                return os.read(fd, most)
        finally:
            os.close(fd)

    def open(self, name: str, *, volume: str, writable: bool = False) -> int:
        """A descriptor of a file; the caller closes it.

        Raises:
            NoSuchVolume, VolumeDamaged: there is none; it is something else than a file.
        """
        try:
            fd = os.open(name, _SAFE | (os.O_RDWR if writable else os.O_RDONLY), dir_fd=self._fd)
        except FileNotFoundError as error:
            raise NoSuchVolume(volume=volume) from error
        except OSError as error:
            if error.errno in _NO_FILE:
                raise VolumeDamaged(volume=volume, problem=f"{name} is no file") from error
            raise self.failed("opening", error) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise VolumeDamaged(volume=volume, problem=f"{name} is no file")
        return fd

    def make(self, name: str) -> int:
        """A descriptor of a new, empty file for this user alone; what was there is removed."""
        self.forget(name)
        with self.sound("making a file"):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            return os.open(name, flags, _MODE, dir_fd=self._fd)

    def open_lock(self, name: str) -> int:
        """A descriptor of a file that is there for its lock; made if need be."""
        with self.sound("locking"):
            return os.open(
                name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE, dir_fd=self._fd
            )

    def write(self, name: str, data: bytes) -> None:
        """Make a file hold `data`, durably; when it fails the former one is as it was."""
        new = f".{name}{NEW}"
        fd = self.make(new)
        try:
            with self.sound("writing"):
                try:
                    view = memoryview(data)
                    while view:
                        view = view[os.write(fd, view) :]
                    os.fsync(fd)
                finally:
                    os.close(fd)
                reached("volume-file-written")
                os.rename(new, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except VolumeError:
            self.forget(new)
            raise
        reached("volume-file-renamed")
        self.flush()

    def rename(self, name: str, to: str) -> None:
        """Give a file another name, durably."""
        with self.sound("renaming"):
            os.rename(name, to, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self.flush()

    def forget(self, name: str) -> bool:
        """Remove a name; whether there was one."""
        with self.sound("removing"):
            try:
                os.unlink(name, dir_fd=self._fd)
            except FileNotFoundError:
                return False
            return True

    def flush(self) -> None:
        """Make names that were made, changed or removed durable."""
        with self.sound("flushing"):
            os.fsync(self._fd)

    @contextmanager
    def sound(self, action: str) -> Iterator[None]:
        """Around calls of the host's storage: its failures as our errors."""
        try:
            yield
        except OSError as error:
            raise self.failed(action, error) from error

    def failed(self, action: str, error: OSError) -> VolumeError:
        """Our error for one of the host's storage."""
        if error.errno in _FULL:
            return StorageFull(path=self.path, action=action)
        return StorageFailed(path=self.path, action=action, problem=error.strerror or str(error))
