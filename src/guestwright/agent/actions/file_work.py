"""Reading and writing a file as the work of a call.

Theory of operation: the path that the host names is resolved first, and what it leads to must lie below a
directory that the owner lists. A file is written beside its place and renamed when the last byte has come,
so that nobody sees half of it.
"""

from __future__ import annotations

import os
import stat

from guestwright.agent.actions.stage import NotAllowed, Stage, Work
from guestwright.agent.exchange import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_READ: Final = 1 << 16


def place(path: str, allowed: Sequence[str]) -> str:
    """Where a path leads to.

    Args:
        path: of the host.
        allowed: directories and files; "/" for all.

    Raises:
        NotAllowed: not to one of those.
    """
    if not path.startswith("/") or "\0" in path or path.endswith("/"):
        raise NotAllowed("a path of a file is absolute and does not end in /")
    directory, name = os.path.split(path)
    found = os.path.join(os.path.realpath(directory), name)
    if name in {".", ".."} or not any(_within(found, one) for one in allowed):
        raise NotAllowed("the file is not on the list of the guest's owner")
    return found


def _within(path: str, top: str) -> bool:
    top = os.path.realpath(top).rstrip("/")
    return path == top or path.startswith(f"{top}/")


class ReadFile(Work):
    """Gives the contents of a regular file.

    Raises:
        NotAllowed: it is no regular file.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str, stage: Stage) -> None:
        self._stage = stage
        self._fd = self._open(path)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            self.kill()
            raise NotAllowed("it is no regular file")

    def _open(self, path: str) -> int:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)

    def go_on(self, *, full: bool) -> None:
        """Read on, unless enough waits."""
        while self._fd >= 0 and not full:
            try:
                data = os.read(self._fd, _READ)
            except OSError as error:
                self._end(f"failed {error.strerror}")
                return
            if data:
                full = not self._stage.produce(streams.OUTPUT, data)
            else:
                self._end("exit 0")

    def kill(self) -> None:
        """Close the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _end(self, how: str) -> None:
        self.kill()
        self._stage.finish(how)


class WriteFile(Work):
    """Takes the contents of a file.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: str, mode: int, stage: Stage) -> None:
        self._stage = stage
        self._path = path
        self._beside = f"{path}.{os.urandom(6).hex()}.part"
        self._fd = self._open(self._beside, mode)

    def _open(self, path: str, mode: int) -> int:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.fchmod(fd, mode)
        return fd

    def input(self, data: bytes) -> None:
        """Write it."""
        try:
            while data and self._fd >= 0:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            self._end(f"failed {error.strerror}")

    def input_end(self) -> None:
        """Put the file in its place."""
        if self._fd < 0:
            return
        try:
            os.fsync(self._fd)
            self._put()
        except OSError as error:
            self._end(f"failed {error.strerror}")
            return
        self._stage.finish("exit 0")

    def _put(self) -> None:
        """Rename it, and close it."""
        os.rename(self._beside, self._path)
        os.close(self._fd)
        self._fd = -1

    def kill(self) -> None:
        """Forget what was written."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
            try:
                os.unlink(self._beside)
            except OSError:
                return  # somebody was quicker

    def _end(self, how: str) -> None:
        self.kill()
        self._stage.finish(how)
