"""The parent's side of one worker: a call out, block requests served meanwhile, an answer or a dead child.

Theory of operation: one thread, one socket, no queue. After a request the parent is the child's servant until
the answer comes: it serves reads and writes of the devices, and takes chunks. Everything the child says is
checked; whatever is out of order (nonsense, a passed deadline, an error of a device, an interrupt in the
middle) ends the child, for a connection in an unknown state is of no more use. What the child had not synced
is lost with it, which is what we want: the disks were never touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from guestwright.base.block import BlockDevice
from guestwright.base.progress import Progress, silent
from guestwright.guestfs.errors import DriverFailed
from guestwright.guestfs.remote.blocks import BlockServer
from guestwright.guestfs.remote.calls import Call
from guestwright.guestfs.remote.failures import to_error
from guestwright.guestfs.remote.forms import to_step
from guestwright.guestfs.remote.server import MAX_ENTRIES
from guestwright.guestfs.remote.wire import Channel, Frame, Late, Malformed, Type, pack, unpack

R = TypeVar("R")
CALL_TIMEOUT: Final = 25.0
_MAX_STEPS: Final = 200
_DRIVER: Final = "ext"
_LAST_WORDS: Final = 0.5  # seconds that a child which closed its socket has to end by itself


class Connection:
    """Calls a worker.

    Args:
        pid: the child's.
        sock: our end of the socket pair; owned.
        devices: what the child may read and write, by number.
        call_timeout: seconds that one call may take.
    """

    def __init__(
        self, pid: int, sock: socket.socket, devices: Sequence[BlockDevice], *, call_timeout: float
    ) -> None:
        self.pid = pid
        self._sock = sock
        self._channel = Channel(sock, patient=False)
        self.blocks = BlockServer(self._channel, devices)
        self._timeout = call_timeout
        self._ended = ""

    def call(self, call: Call[R], arguments: Mapping[str, Any], tail: bytes = b"") -> R:
        """Call the child.

        Args:
            call: what to call.
            arguments: by name, plain JSON values.
            tail: the value of the argument `call.tail`.

        Raises:
            GuestwrightError: what the child raised.
            DriverFailed: it died, hung or answered nonsense.
        """
        chunks, last = self.exchange(pack([call.name, arguments]), tail)
        try:
            if last.type is Type.ERROR:
                error = to_error(unpack(last.head))
            elif call.raw:
                return call.decode(last.tail)
            elif not chunks:
                return call.decode(unpack(last.head))
            else:
                return call.decode([each for frame in (*chunks, last.head) for each in _list(frame)])
        except Malformed as nonsense:
            raise self.fail(f"it answered nonsense: {nonsense}") from None
        raise error

    def work(self, progress: Progress) -> Any:
        """Serve the child while it does what it was forked for; what it returned.

        Args:
            progress: told each step. Each gives the child another `call_timeout`.

        Raises:
            GuestwrightError, DriverFailed: as for `call`.
        """
        chunks, last = self.exchange(None, progress=progress)
        try:
            if last.type is not Type.ERROR:
                return unpack(b"".join((*chunks, last.head)))
            error = to_error(unpack(last.head))
        except Malformed as nonsense:
            raise self.fail(f"it answered nonsense: {nonsense}") from None
        raise error

    def exchange(
        self, head: bytes | None, tail: bytes = b"", *, progress: Progress = silent
    ) -> tuple[list[bytes], Frame]:
        """Send a request (None sends nothing) and serve the child until its answer is complete.

        Returns:
            The heads of the chunks, and the last frame: REPLY or ERROR.
        """
        if self._ended:
            raise DriverFailed(driver=_DRIVER, detail=f"its process has ended before: {self._ended}")
        self._channel.deadline = time.monotonic() + self._timeout
        try:
            if head is not None:
                self._channel.send(Type.REQUEST, head, tail)
            return self._serve(progress)
        except Late:
            raise self.fail(f"no answer within {self._timeout:g} s") from None
        except Malformed as nonsense:
            raise self.fail(f"it sent nonsense: {nonsense}") from None
        except EOFError:
            raise self.fail("") from None
        except BaseException as error:
            self._end(f"interrupted by {type(error).__name__}")
            raise

    def fail(self, detail: str) -> DriverFailed:
        """End the child; the error to raise. Without `detail`, how the child ended by itself tells."""
        return DriverFailed(driver=_DRIVER, detail=self._end(detail))

    def leave(self) -> None:
        """End the child without waiting for the host to take back its memory; `close` it all the same."""
        if not self._ended:
            self._kill()
            self._sock.close()

    def close(self) -> None:
        """End the child; may be called twice."""
        self._end("it was closed")

    def _serve(self, progress: Progress) -> tuple[list[bytes], Frame]:
        chunks: list[bytes] = []
        size = steps = 0
        while True:
            frame = self._channel.receive()
            if self.blocks.serve(frame):
                continue
            if frame.type in {Type.REPLY, Type.ERROR}:
                return chunks, frame
            if frame.type is Type.STEP and steps < _MAX_STEPS:
                steps += 1
                progress(to_step(unpack(frame.head)))
                self._channel.deadline = time.monotonic() + self._timeout
                continue
            if frame.type is not Type.CHUNK:
                raise Malformed(f"a frame of type {frame.type.name}")
            size += len(frame.head) + len(frame.tail)
            chunks.append(frame.head)
            if size > MAX_ENTRIES * 256:
                raise Malformed("an endless answer")

    def _end(self, detail: str) -> str:
        if self._ended:
            return self._ended
        self._ended = detail or "its process ended"
        waited = _reap(self.pid, _LAST_WORDS) if not detail else None
        if waited is None:
            self._kill()
            _reap(self.pid, None)
        elif not detail:
            self._ended = _describe(waited)
        self._sock.close()
        return self._ended

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _list(head: bytes) -> list[Any]:
    value = unpack(head)
    if type(value) is not list:
        raise Malformed("a chunk that is no list")
    return value


def _reap(pid: int, patience: float | None) -> int | None:
    """Wait for a child for so many seconds (None: as long as it takes); its status, None if it still runs."""
    until = time.monotonic() + (patience or 0.0)
    while True:
        try:
            ended, status = os.waitpid(pid, 0 if patience is None else os.WNOHANG)
        except ChildProcessError:  # somebody else has waited for it
            return 0
        if ended:
            return status
        if time.monotonic() > until:
            return None
        time.sleep(0.001)


def _describe(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        more = " (its limit of processor time)" if number == signal.SIGXCPU else ""
        return f"its process was killed by {name}{more}"
    return f"its process ended with status {os.waitstatus_to_exitcode(status)}"
