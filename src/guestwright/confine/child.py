"""A running host tool."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import Final, Self

from guestwright.confine.errors import ToolTimedOut
from guestwright.confine.held import Held

_POLL_INTERVAL: Final = 0.005


class Child:
    """A process that `spawn` started.

    Use as a context manager to be sure that it ends: leaving the block kills it.

    Attributes:
        pid: its process id; stays taken until `wait` or `kill` has returned.
        tool: name of the program, for messages.
        held: which protections hold for it.
    """

    def __init__(self, *, pid: int, tool: str, held: Held) -> None:
        self.pid = pid
        self.tool = tool
        self.held = held
        self._status: int | None = None
        self._pidfd: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def pidfd(self) -> int | None:
        """A descriptor that polls readable when the process has ended; None on Linux before 5.3."""
        if self._pidfd is None and self._status is None:
            try:
                self._pidfd = os.pidfd_open(self.pid)
            except OSError:
                return None
        return self._pidfd

    def poll(self) -> int | None:
        """Exit status as `wait` returns it, or None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends.

        Args:
            timeout: seconds; None waits as long as it takes.

        Returns:
            Exit status 0..255, or minus the number of the signal that ended it.

        Raises:
            ToolTimedOut: it still ran; it was killed.
        """
        if timeout is not None and not self._ends_within(timeout):
            self.kill()
            raise ToolTimedOut(tool=self.tool, seconds=f"{timeout:g}")
        status = self._reap(0)
        assert status is not None  # a blocking wait has a status
        return status

    def kill(self) -> None:
        """End it and everything in its process group at once. May be called twice."""
        if self._status is not None:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)  # the child led a session of its own before it ran exec
        except ProcessLookupError:
            os.kill(self.pid, signal.SIGKILL)
        self._reap(0)

    def _reap(self, flags: int) -> int | None:
        if self._status is None:
            pid, raw = os.waitpid(self.pid, flags)
            if pid:
                self._status = os.waitstatus_to_exitcode(raw)
                if self._pidfd is not None:
                    os.close(self._pidfd)
                    self._pidfd = None
        return self._status

    def _ends_within(self, timeout: float) -> bool:
        if self._status is not None:
            return True
        ended = self.pidfd()
        if ended is not None:
            poller = select.poll()
            poller.register(ended, select.POLLIN)
            return bool(poller.poll(max(0.0, timeout) * 1000))
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_INTERVAL)
        return True
