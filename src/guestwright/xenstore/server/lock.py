"""One server per directory.

Theory of operation: an advisory lock on a file of its own, held as long as the process lives; the kernel lets
go of it however the process ends, so that there are no stale locks. The file holds the process id for people
to read and is never removed, because removing it would let two processes lock two files of the same name.
"""

from __future__ import annotations

import fcntl
import os
from typing import Final

from guestwright.xenstore.server.errors import AlreadyServed, BadSocket

LOCK_NAME: Final = "xenstored.pid"


class DirectoryLock:
    """The right to serve in a directory.

    Args:
        directory: must exist.

    Raises:
        AlreadyServed: another process has it.
        BadSocket: the file cannot be made.
    """

    __slots__ = ("_fd",)

    def __init__(self, directory: str) -> None:
        path = os.path.join(directory, LOCK_NAME)
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise BadSocket(path=path, detail=error.strerror or str(error)) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise AlreadyServed(path=directory, detail=f"by process {holder or 'unknown'}") from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let others serve here."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)
