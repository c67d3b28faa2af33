"""A program as the work of a call."""

from __future__ import annotations

import os

from guestwright.agent.actions.stage import Stage, Work
from guestwright.agent.children import SIGKILL, SIGTERM, kill, spawn
from guestwright.agent.exchange import streams
from guestwright.agent.poller import IN, OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from guestwright.agent.children import User
    from guestwright.agent.loop import Loop, Timer

_READ: Final = 1 << 16
_GRACE: Final = 5.0  # seconds between SIGTERM and SIGKILL
_LINGER: Final = 1.0  # seconds for output after the end of a process: what it started may keep the pipes


class Process(Work):
    """A program; its exit status ends the call."""

    def __init__(
        self,
        loop: Loop,
        argv: Sequence[str],
        who: User,
        environment: Mapping[str, str],
        directory: str,
        timeout: float,
        stage: Stage,
    ) -> None:
        self._loop = loop
        self._stage = stage
        self._input = b""
        self._no_more = self._timed_out = False
        self._status: int | None = None
        self._paused: set[int] = set()
        source, self._put = os.pipe2(os.O_CLOEXEC)
        out, out_sink = os.pipe2(os.O_CLOEXEC)
        err, err_sink = os.pipe2(os.O_CLOEXEC)
        self._tags = {out: streams.OUTPUT, err: streams.ERRORS}
        try:
            self._pid = spawn(
                argv, (source, out_sink, err_sink), environment=environment, directory=directory, who=who
            )
        except OSError:
            for fd in (self._put, out, err):
                os.close(fd)
            raise
        finally:
            for fd in (source, out_sink, err_sink):
                os.close(fd)
        os.set_blocking(self._put, False)
        for fd in (out, err):
            os.set_blocking(fd, False)
            self._loop.add(fd, self._reader(fd), IN)
        self._loop.on_child(self._pid, self._exited)
        self._timer: Timer | None = self._loop.at(timeout, self._time_is_up) if timeout else None

    @property
    def ready(self) -> bool:  # type: ignore[override]  # others are always ready
        """Whether the last input has gone into the pipe."""
        return not self._input

    def input(self, data: bytes) -> None:
        """Pass it on as far as the pipe has room."""
        if self._put >= 0:
            waited = bool(self._input)
            self._input += data
            if not waited:
                self._pour()

    def input_end(self) -> None:
        """Close the program's standard input behind what waits."""
        self._no_more = True
        if not self._input:
            self._close_input()

    def go_on(self, *, full: bool) -> None:
        """Listen to its output, unless enough waits for the host."""
        for fd in list(self._tags):
            if full and fd not in self._paused:
                self._loop.remove(fd)
                self._paused.add(fd)
            elif not full and fd in self._paused:
                self._paused.discard(fd)
                self._loop.add(fd, self._reader(fd), IN)

    def kill(self) -> None:
        """SIGTERM now, SIGKILL if it does not help."""
        if self._status is None:
            kill(self._pid, SIGTERM)
            self._loop.at(_GRACE, self._kill_hard)
        for fd in list(self._tags):
            self._close(fd)

    def _kill_hard(self) -> None:
        if self._status is None:
            kill(self._pid, SIGKILL)

    def _time_is_up(self) -> None:
        self._timed_out = True
        if self._status is None:
            kill(self._pid, SIGTERM)
            self._loop.at(_GRACE, self._kill_hard)

    def _exited(self, status: int) -> None:
        self._status = status
        if self._timer is not None:
            self._timer.cancel()
        self._close_input()
        if self._tags:
            self._loop.at(_LINGER, self._linger)
        else:
            self._finish()

    def _linger(self) -> None:
        """It has ended, and its output is still open: drained by now, unless the host is slow."""
        if self._paused:
            self._loop.at(_LINGER, self._linger)
        else:
            for fd in list(self._tags):
                self._close(fd)
            self._finish()

    def _finish(self) -> None:
        status = self._status or 0
        how = f"signal {-status}" if status < 0 else f"exit {status}"
        self._stage.finish("timeout" if self._timed_out else how)

    def _reader(self, fd: int) -> Callable[[int], object]:
        def read(events: int) -> None:
            del events
            try:
                data = os.read(fd, _READ)
            except BlockingIOError:
                return
            if data:
                if not self._stage.produce(self._tags[fd], data):
                    self.go_on(full=True)
                return
            self._close(fd)
            if not self._tags and self._status is not None:
                self._finish()

        return read

    def _close(self, fd: int) -> None:
        del self._tags[fd]
        self._paused.discard(fd)
        self._loop.remove(fd)
        os.close(fd)

    def _pour(self) -> None:
        try:
            while self._input:
                self._input = self._input[os.write(self._put, self._input) :]
        except BlockingIOError:
            self._loop.add(self._put, self._writable, OUT)
            return
        except OSError:
            self._close_input()  # it reads no more; what the host sends is dropped
            return
        if self._no_more:
            self._close_input()

    def _writable(self, events: int) -> None:
        del events
        self._loop.remove(self._put)
        self._pour()
        if not self._input:
            self._stage.flush()

    def _close_input(self) -> None:
        fd, self._put = self._put, -1
        self._input = b""
        if fd >= 0:
            self._loop.remove(fd)
            os.close(fd)
