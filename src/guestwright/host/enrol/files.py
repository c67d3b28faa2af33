"""Files that nobody else may read, and that are whole or absent."""

from __future__ import annotations

import os
import secrets
from typing import Final

from guestwright.host.enrol.errors import AuthorityNotKept

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
SIZE_MAX: Final = 8 << 20


def write_whole(path: str, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file: after a crash it is the old one or the new one.

    Args:
        path: of the file; its directory exists.
        data: all of it.
        mode: from the first byte on, whatever the umask.

    Raises:
        AuthorityNotKept: the file system refuses.
    """
    directory, name = os.path.split(path)
    other = os.path.join(directory or ".", f".{name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(
            other, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE
        )
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(other, path)
        except OSError:
            os.unlink(other)
            raise
        _sync(directory or ".")
    except OSError as error:
        raise AuthorityNotKept(path=path, problem=error.strerror or str(error)) from error


def make_private_directory(path: str) -> None:
    """Make a directory of mode 0700, or make one that is there so.

    Raises:
        AuthorityNotKept: the file system refuses, or somebody else owns it.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        if os.stat(path).st_uid not in (os.geteuid(), 0):
            raise AuthorityNotKept(path=path, problem="the directory belongs to somebody else")
        os.chmod(path, 0o700)
    except OSError as error:
        raise AuthorityNotKept(path=path, problem=error.strerror or str(error)) from error


def read_whole(path: str) -> bytes | None:
    """The contents of a file; None when there is none.

    Raises:
        OSError: it cannot be read, or is larger than `SIZE_MAX`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_MAX + 1)
    except FileNotFoundError:
        return None
    if len(data) > SIZE_MAX:
        raise OSError(f"it has more than {SIZE_MAX} bytes")
    return data


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
