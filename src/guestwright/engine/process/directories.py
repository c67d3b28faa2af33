"""The engine's directory: made, its own, and one engine in it at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.engine.process.errors import EngineDirectoryUnfit, EngineRunsHere

LOCK: Final = "engine.lock"
_SEARCH: Final = 0o711  # what is below is each for itself; QEMU has to get at volumes


def make(directory: str) -> None:
    """Make the directory, with those above, unless it is there.

    Raises:
        EngineDirectoryUnfit: it cannot be made, is somebody else's, or others may write to it.
    """
    try:
        if not os.path.isdir(directory):
            os.makedirs(directory, mode=0o755)
            os.chmod(directory, _SEARCH)
        there = os.stat(directory)
    except OSError as error:
        raise EngineDirectoryUnfit(directory=directory, problem=error.strerror or str(error)) from error
    if there.st_uid != os.geteuid() or stat.S_IMODE(there.st_mode) & 0o022:
        raise EngineDirectoryUnfit(directory=directory, problem="it is another's, or others may write to it")


@contextmanager
def alone(directory: str) -> Iterator[None]:
    """Hold the directory's lock; the kernel lets go of it however the process ends.

    Raises:
        EngineRunsHere: another engine holds it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(os.path.join(directory, LOCK), flags, 0o600)
    except OSError as error:
        raise EngineDirectoryUnfit(directory=directory, problem=error.strerror or str(error)) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise EngineRunsHere(directory=directory, holder=holder) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)
