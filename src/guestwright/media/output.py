"""Creates and destroys image files that hold secrets.

Theory of operation: an image grows under a temporary name beside its final one, opened without following
links, with its final owner and mode before its first byte. Only a complete one gets the final name, by one
rename. All steps go through a descriptor of the directory, so nobody can put another directory in between.
What fails is overwritten and removed; what a killed process left is found by `sweep`, as nobody locks it.

Overwriting reaches the blocks that hold the file now. It means nothing where a file system or device writes
elsewhere (btrfs, ZFS, snapshots, flash): there only encryption of the storage helps.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from guestwright.media.errors import MediaOutputError

_PIECE: Final = bytes(1 << 18)
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_is_part = re.compile(r"\.guestwright-[0-9a-f]{16}\.part").fullmatch
_OLD: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@contextmanager
def create(
    path: str, *, owner: tuple[int, int] | None = None, mode: int = 0o600, replace: bool = False
) -> Iterator[int]:
    """Create an image: all of it under its name, or nothing.

    Args:
        path: on the host.
        owner: user and group id that it gets before any content; None for the caller's.
        mode: permission bits, likewise.
        replace: whether it may take the place of a regular file.

    Yields:
        The descriptor to write to, at the beginning of an empty regular file.

    Raises:
        MediaOutputError: it cannot be created, or there is something else of this name.
    """
    where, name = _split(path)
    directory = _directory(where, path)
    try:
        _check_place(directory, name, path, replace=replace)
        part = f".guestwright-{os.urandom(8).hex()}.part"
        try:
            descriptor = os.open(part, _NEW, 0o600, dir_fd=directory)
        except OSError as error:
            raise MediaOutputError(path=path, problem=_why(error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _own(descriptor, owner, mode, path)
            yield descriptor
            _give_name(descriptor, directory, part, name, path, replace=replace)
        except BaseException:
            with suppress(OSError):
                _overwrite(descriptor)
            with suppress(OSError):
                os.unlink(part, dir_fd=directory)
            raise
        finally:
            os.close(descriptor)
    finally:
        os.close(directory)


def destroy(path: str) -> bool:
    """Overwrite an image with zeros and remove it.

    Args:
        path: on the host; never followed if it is a link.

    Returns:
        Whether there was one.

    Raises:
        MediaOutputError: it is no regular file, or cannot be overwritten or removed.
    """
    where, name = _split(path)
    try:
        directory = _directory(where, path)
    except MediaOutputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise
    try:
        descriptor = os.open(name, _OLD, dir_fd=directory)
    except FileNotFoundError:
        os.close(directory)
        return False
    except OSError as error:
        os.close(directory)
        problem = "is a link, not a file" if error.errno == errno.ELOOP else _why(error)
        raise MediaOutputError(path=path, problem=problem) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise MediaOutputError(path=path, problem="is not a regular file")
        _overwrite(descriptor)
        os.unlink(name, dir_fd=directory)
        os.fsync(directory)
    except OSError as error:
        raise MediaOutputError(path=path, problem=_why(error)) from error
    finally:
        os.close(descriptor)
        os.close(directory)
    return True


def sweep(directory: str) -> int:
    """Destroy what killed processes left of images they were creating.

    Args:
        directory: where images are created.

    Returns:
        How many there were.

    Raises:
        MediaOutputError: one cannot be looked at or destroyed.
    """
    try:
        names = [name for name in os.listdir(directory) if _is_part(name)]
    except OSError as error:
        raise MediaOutputError(path=directory, problem=_why(error)) from error
    return sum(
        _orphan(os.path.join(directory, name)) and destroy(os.path.join(directory, name)) for name in names
    )


def _orphan(path: str) -> bool:
    try:
        descriptor = os.open(path, _OLD)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _split(path: str) -> tuple[str, str]:
    where, name = os.path.split(path)
    if not name or name in {".", ".."} or "\0" in path:
        raise MediaOutputError(path=path or "''", problem="is no name of a file")
    return where or ".", name


def _directory(where: str, path: str) -> int:
    try:
        return os.open(where, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise MediaOutputError(path=path, problem=f"directory {where}: {_why(error)}") from error


def _check_place(directory: int, name: str, path: str, *, replace: bool) -> None:
    try:
        there = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        raise MediaOutputError(path=path, problem=_why(error)) from error
    if not stat.S_ISREG(there.st_mode):
        raise MediaOutputError(path=path, problem="exists and is not a regular file")
    if not replace:
        raise MediaOutputError(path=path, problem="exists already")


def _own(descriptor: int, owner: tuple[int, int] | None, mode: int, path: str) -> None:
    try:
        if owner is not None:
            os.fchown(descriptor, *owner)
        # After the owner: changing it takes away some bits.
        os.fchmod(descriptor, mode)
    except OSError as error:
        raise MediaOutputError(path=path, problem=f"owner and mode: {_why(error)}") from error


def _give_name(descriptor: int, directory: int, part: str, name: str, path: str, *, replace: bool) -> None:
    try:
        os.fdatasync(descriptor)
        if replace:
            os.rename(part, name, src_dir_fd=directory, dst_dir_fd=directory)
        else:
            # A link never replaces what somebody else put there meanwhile.
            os.link(part, name, src_dir_fd=directory, dst_dir_fd=directory)
            os.unlink(part, dir_fd=directory)
        os.fsync(directory)
    except OSError as error:
        raise MediaOutputError(path=path, problem=_why(error)) from error


def _overwrite(descriptor: int) -> None:
    """Zeros over all data, on the disk before the file is cut to nothing."""
    size = os.fstat(descriptor).st_size
    at = 0
    while at < size:
        try:
            at = os.lseek(descriptor, at, os.SEEK_DATA)
            end = min(os.lseek(descriptor, at, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            end = size
        while at < end:
            at += os.pwrite(descriptor, _PIECE[: end - at], at)
    os.fsync(descriptor)
    os.ftruncate(descriptor, 0)


def _why(error: OSError) -> str:
    return error.strerror or str(error)
