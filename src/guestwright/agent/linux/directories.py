"""Hears that something in a directory has changed, without asking again and again.

Theory of operation: dnotify, the kernel's older way (fcntl(2), F_NOTIFY): a signal after files directly in a
directory were made, written, renamed or removed. inotify would need `ctypes`, which small systems do not have
and which costs the memory of a tenth of the agent. The signal says no more than that it was one of these
directories; several changes within a moment are told once. The signals used are such that are ignored
wherever nobody waits for them.
"""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from guestwright.agent.loop import Loop, Timer

_SETSIG = 10  # F_SETSIG, which the module has in some builds only
_CHANGES = 0x80000000 | 0x2 | 0x4 | 0x8 | 0x10  # DN_MULTISHOT, DN_MODIFY, DN_CREATE, DN_DELETE, DN_RENAME
_MOMENT = 0.2  # seconds


class Directories:
    """Calls `changed` soon after something has changed in one of some directories.

    Args:
        loop: runs it.
        paths: of the directories, the most important first; those that come later are found after changes
            in the others.
        signal: number of the one to be used; one that is ignored by default.
        changed: see above.

    Attributes:
        works: whether at least the first one is listened to.
    """

    def __init__(self, loop: Loop, paths: Sequence[str], signal: int, changed: Callable[[], object]) -> None:
        self._loop = loop
        self._paths = paths
        self._signal = signal
        self._changed = changed
        self._open: dict[str, int] = {}
        self._timer: Timer | None = None
        loop.on_signal(signal, self._heard)
        self._listen()
        self.works = paths[0] in self._open

    def close(self) -> None:
        """Hear no more."""
        if self._timer is not None:
            self._timer.cancel()
        for fd in self._open.values():
            os.close(fd)
        self._open = {}

    def _listen(self) -> None:
        """Listen to all directories that are there."""
        for path in self._paths:
            known = self._open.get(path)
            if known is not None:
                if os.fstat(known).st_nlink:
                    continue
                os.close(self._open.pop(path))  # it was removed, and there may be another one
            try:
                fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                fcntl.fcntl(fd, _SETSIG, self._signal)
                fcntl.fcntl(fd, fcntl.F_NOTIFY, _CHANGES)
            except OSError:  # a kernel that cannot tell
                os.close(fd)
            else:
                self._open[path] = fd

    def _heard(self) -> None:
        if self._timer is None and self._open:
            self._timer = self._loop.at(_MOMENT, self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._listen()
        self._changed()
