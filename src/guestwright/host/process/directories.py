"""What the process needs of the file system: directories, its lock, the catalogue of tools."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.host.facts.tools import CATALOGUE_MAX, Catalogue
from guestwright.host.service.errors import BadConfiguration, DirectoryNotUsable, ServiceRunsAlready

LOCK: Final = "host.lock"


@contextmanager
def alone(directory: str) -> Iterator[None]:
    """The lock of a service; the kernel lets go of it however the process ends."""
    path = os.path.join(directory, LOCK)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise ServiceRunsAlready(directory=directory, holder=holder) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)


def make_directory(path: str, mode: int) -> None:
    """Make a directory, with those above, unless it is there.

    Raises:
        DirectoryNotUsable: it cannot be made.
    """
    try:
        if not os.path.isdir(path):
            os.makedirs(path, mode=0o755)
            os.chmod(path, mode)  # whatever the umask
    except OSError as error:
        raise DirectoryNotUsable(directory=path, problem=error.strerror or str(error)) from error


def read_catalogue(path: str) -> Catalogue:
    """The catalogue of released tools in a file; an empty one for "".

    Raises:
        BadCatalogue: it is none.
        BadConfiguration: it cannot be read.
    """
    if not path:
        return Catalogue()
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return Catalogue.parse(stream.read(CATALOGUE_MAX + 1))
    except OSError as error:
        problem = error.strerror or str(error)
        raise BadConfiguration(path=path, key="facts.catalogue", problem=problem) from error
