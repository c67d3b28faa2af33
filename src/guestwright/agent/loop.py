"""The agent's event loop: descriptors, timers, signals; nothing else wakes the process up.

Theory of operation: one thread around epoll, or poll. `wakeups` counts how often the kernel woke it, for
the bench. What is put off with `soon` runs before the loop sleeps again. Modules of the standard library
that cost memory (`socket`, `signal` and `enum` beneath them) are avoided: the names needed come from the C
modules.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no stubs; `signal` would cost a megabyte
import os
import time
from heapq import heapify, heappop, heappush

from guestwright.agent.poller import IN, poller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

_TURN: Final = 64  # events per turn; the others stay ready
_GENERATIONS: Final = 8  # of what is put off, until descriptors are looked at again
_CROWD: Final = 64  # timers, from which on cancelled ones are sorted out


class Timer:
    """Something that happens later, unless it is cancelled."""

    __slots__ = ("at", "number", "work")

    def __init__(self, at: float, number: int, work: Callable[[], object]) -> None:
        self.at = at
        self.number = number
        self.work: Callable[[], object] | None = work

    def __lt__(self, other: Timer) -> bool:
        return (self.at, self.number) < (other.at, other.number)

    def cancel(self) -> None:
        """Have it not happen."""
        self.work = None


class Loop:
    """Waits for descriptors and for time.

    Args:
        clock: monotonic time in seconds.

    Attributes:
        clock: see above.
        wakeups: how often waiting ended.
        stopping: `stop` was called.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.wakeups = 0
        self.stopping = False
        self._epoll = poller()
        self._handlers: dict[int, Callable[[int], object]] = {}
        self._timers: list[Timer] = []
        self._crowd = _CROWD
        self._soon: list[Callable[[], object]] = []
        self._numbers = 0
        self._signals: dict[int, Callable[[], object]] = {}
        self._children: dict[int, Callable[[int], object]] = {}
        self._bell: tuple[int, int] | None = None

    def add(self, fd: int, handler: Callable[[int], object], events: int = IN) -> None:
        """Call `handler(events)` whenever a descriptor is ready."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def modify(self, fd: int, events: int) -> None:
        """Change what a descriptor is waited for; 0 for errors only."""
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """Wait for a descriptor no more, if it is known; to be called before it is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def at(self, delay: float, work: Callable[[], object]) -> Timer:
        """Do something after so many seconds."""
        self._numbers += 1
        timer = Timer(self.clock() + delay, self._numbers, work)
        if len(self._timers) >= self._crowd:
            self._timers = [one for one in self._timers if one.work is not None]
            heapify(self._timers)
            self._crowd = max(_CROWD, 2 * len(self._timers))
        heappush(self._timers, timer)
        return timer

    def soon(self, work: Callable[[], object]) -> None:
        """Do something before the loop waits again."""
        self._soon.append(work)

    def on_signal(self, number: int, work: Callable[[], object]) -> None:
        """Do something in the loop after a signal; for the main thread only."""
        if self._bell is None:
            self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            _signal.set_wakeup_fd(self._bell[1])
            self.add(self._bell[0], self._signalled)
        self._signals[number] = work
        _signal.signal(number, _nothing)
        _signal.siginterrupt(number, False)

    def on_child(self, pid: int, ended: Callable[[int], object]) -> None:
        """Call `ended(status)` when a child has ended: its exit status, or minus the signal that ended it."""
        if not self._children:
            self.on_signal(_signal.SIGCHLD, self._reap)
        self._children[pid] = ended
        self.soon(self._reap)  # it may have ended before the signal was listened to

    def stop(self) -> None:
        """Have `run` return after its present turn."""
        self.stopping = True

    def run(self) -> None:
        """Work until `stop`."""
        while not self.stopping:
            self.turn()

    def turn(self, timeout: float = -1) -> None:
        """Wait for something to do, at most so many seconds (-1: as long as it takes), and do it."""
        patience = self._patience(timeout)
        ready = self._epoll.poll(patience, _TURN)
        if patience != 0:
            self.wakeups += 1
        for fd, events in ready:
            handler = self._handlers.get(fd)
            if handler is not None:
                handler(events)
        now = self.clock()
        while self._timers and self._timers[0].at <= now:
            work = heappop(self._timers).work
            if work is not None:
                work()
        for _ in range(_GENERATIONS):  # what puts something off in its turn need not wait for the kernel
            if not self._soon:
                break
            pending, self._soon = self._soon, []
            for work in pending:
                work()

    def close(self) -> None:
        """Let go of all that is the loop's own."""
        if self._bell is not None:
            _signal.set_wakeup_fd(-1)
            for number in self._signals:
                _signal.signal(number, _signal.SIG_DFL)
            for fd in self._bell:
                os.close(fd)
            self._bell = None
        self._epoll.close()

    def _patience(self, timeout: float) -> float:
        if self._soon:
            return 0
        while self._timers and self._timers[0].work is None:
            heappop(self._timers)
        if not self._timers:
            return timeout
        # Rounded up to the milliseconds that epoll counts: too early would mean to come round twice.
        wait = max(0.0, self._timers[0].at - self.clock()) + 0.001
        return wait if timeout < 0 else min(wait, timeout)

    def _reap(self) -> None:
        for pid in list(self._children):
            try:
                found, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                found, status = pid, 0
            if found:
                code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                self._children.pop(pid)(code)

    def _signalled(self, events: int) -> None:
        del events
        assert self._bell is not None
        try:
            numbers = os.read(self._bell[0], 512)
        except BlockingIOError:
            return
        for number in dict.fromkeys(numbers):
            work = self._signals.get(number)
            if work is not None:
                work()


def _nothing(number: int, frame: object) -> None:
    """A handler must be there for the wake-up descriptor to be told."""
