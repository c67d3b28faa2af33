"""Ends a host tool gently, and surely, when we are killed.

Theory of operation: the kernel can tell a child once that its parent died (PR_SET_PDEATHSIG). A tool that is
still starting may lose that signal: qemu-nbd 7.2 handles SIGTERM from its first moments, yet sets the state
that the handler changed again just before its main loop. So a second process, forked from the tool's before
it executes anything, waits on a pipe of which we alone hold the other end: when that is closed before the
tool has ended, it goes on asking the tool to end, and kills it in the end.
"""

from __future__ import annotations

import os
import select
import signal
from typing import Final

from guestwright.confine import descriptors

_PAUSE: Final = 100  # milliseconds from one SIGTERM to the next
_TRIES: Final = 30


class Lifeline:
    """The pipe between us and the guardian of one tool. Pass `guard` to `spawn` as its `setup`."""

    def __init__(self) -> None:
        self._theirs, self._ours = os.pipe2(os.O_CLOEXEC)

    def guard(self, held: object) -> None:
        """Called in the tool's process: fork the guardian."""
        del held
        tool = os.getpid()
        if os.fork() == 0:
            try:
                _watch(tool, self._theirs)
            finally:
                os._exit(0)

    def started(self) -> None:
        """The tool runs, or never will: only its guardian needs that end of the pipe now."""
        os.close(self._theirs)

    def close(self) -> None:
        """The tool has ended; or, if it has not, it is to end now. May be called twice."""
        if self._ours >= 0:
            ours, self._ours = self._ours, -1
            os.close(ours)


def _watch(tool: int, lifeline: int) -> None:
    target = os.pidfd_open(tool)
    if os.getppid() != tool:
        return  # it ended already, and the number may be somebody else's
    descriptors.close_all_but([target, lifeline])
    waiter = select.poll()
    waiter.register(target, select.POLLIN)
    waiter.register(lifeline, select.POLLHUP)
    if any(number == target for number, _ in waiter.poll()):
        return
    waiter.unregister(lifeline)
    for _ in range(_TRIES):
        signal.pidfd_send_signal(target, signal.SIGTERM)
        if waiter.poll(_PAUSE):
            return
    signal.pidfd_send_signal(target, signal.SIGKILL)
