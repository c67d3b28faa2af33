"""A program of Windows as the work of a call, and programs that are run to their end.

Theory of operation: the three streams are named pipes of our own, since anonymous ones cannot be waited for;
each has one instance, refuses clients of other machines, and its other end is opened at once. A child begins
suspended, is put into a job object, and then goes on, so that it can be ended with all that it starts. There
is no gentle signal: a call that is cancelled, or whose time is up, ends its job at once.

Source: Microsoft's "Job objects", "Named pipe security and access rights"; CPython, asyncio's windows_utils.
"""

from __future__ import annotations

import os

from guestwright.agent.actions.stage import Stage, Work
from guestwright.agent.exchange import streams
from guestwright.agent.poller import IN
from guestwright.agent.tasks import Wait
from guestwright.agent.windows import commands
from guestwright.agent.windows.streams import Incoming, Outgoing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from guestwright.agent.loop import Timer
    from guestwright.agent.windows.waiting import WindowsLoop

_INBOUND: Final = 1  # PIPE_ACCESS_INBOUND
_OUTBOUND: Final = 2
_OVERLAPPED: Final = 0x40000000
_ALONE: Final = 0x80000  # FILE_FLAG_FIRST_PIPE_INSTANCE
_LOCAL: Final = 8  # PIPE_REJECT_REMOTE_CLIENTS; bytes, not messages
_BUFFER: Final = 1 << 16
_GENERIC_READ: Final = 0x80000000
_GENERIC_WRITE: Final = 0x40000000
_EXISTING: Final = 3
_INHERITED: Final = 1  # HANDLE_FLAG_INHERIT
_SUSPENDED: Final = 4
_NO_WINDOW: Final = 0x08000000
_STANDARD_HANDLES: Final = 0x100  # STARTF_USESTDHANDLES
_LINGER: Final = 1.0  # seconds for output after the end of a process: what it started may keep the pipes
_OUTPUT_MAX: Final = 1 << 16
_KILLED: Final = 1
_STATUS_MAX: Final = 0xFFFFFFFF


class Startup:
    """What `_winapi.CreateProcess` reads (STARTUPINFO)."""

    def __init__(self, source: int, out: int, errors: int) -> None:
        self.dwFlags = _STANDARD_HANDLES
        self.wShowWindow = 0
        self.hStdInput = source
        self.hStdOutput = out
        self.hStdError = errors
        # Nothing else is inherited, whatever other calls have open.
        self.lpAttributeList = {"handle_list": [source, out, errors]}


def system_root() -> str:
    """Windows' own directory."""
    return os.environ.get("SystemRoot") or r"C:\Windows"  # noqa: SIM112  # so it is written there


class Program(Work):
    """A program; its exit status ends the call.

    Args:
        loop: runs the agent.
        argv: the program's path and arguments.
        environment: all variables.
        directory: that it runs in.
        timeout: seconds; 0 for no limit.
        stage: gets the output.

    Raises:
        OSError: it could not be started.
        ValueError: its arguments cannot be given.
    """

    def __init__(
        self,
        loop: WindowsLoop,
        argv: Sequence[str],
        environment: Mapping[str, str],
        directory: str,
        timeout: float,
        stage: Stage,
    ) -> None:
        self._loop = loop
        self._native = loop.native
        self._stage = stage
        self._no_more = self._timed_out = False
        self._status: int | None = None
        line = commands.line(argv)
        opened: list[int] = []
        try:
            ends = [_pipe(loop, writing=writing, opened=opened) for writing in (True, False, False)]
            theirs = [end for _, end in ends]
            self._job = self._native.check("CreateJobObjectW", None, None)
            opened.append(self._job)
            self._process = _started(loop, argv[0], line, theirs, environment, directory, self._job)
        except OSError:
            for handle in opened:
                self._native("CloseHandle", handle)
            raise
        for handle in theirs:
            self._native("CloseHandle", handle)
        names = [loop.waiter.name() for _ in ends]
        self._handles = {name: end for name, (end, _) in zip(names, ends)}  # noqa: B905  # Python 3.8
        self._put, self._out, self._err = names
        self._input: Outgoing | None = Outgoing(self._native, loop.waiter, ends[0][0], self._put)
        loop.add(self._put, self._writable)
        self._paused: set[int] = set()
        self._outputs: dict[int, Incoming] = {}
        for name in (self._out, self._err):
            self._outputs[name] = Incoming(self._native, loop.waiter, self._handles[name], name)
            loop.add(name, self._reader(name), IN)
            self._read_soon(name)
        loop.add(self._process, self._exited)
        self._timer: Timer | None = loop.at(timeout, self._time_is_up) if timeout else None

    @property
    def ready(self) -> bool:  # type: ignore[override]  # others are always ready
        """Whether the last input has gone into the pipe."""
        return self._input is None or not self._input.rest

    def input(self, data: bytes) -> None:
        """Pass it on as far as the pipe has room."""
        if self._input is not None:
            self._pour(data)

    def input_end(self) -> None:
        """Close the program's standard input behind what waits."""
        self._no_more = True
        if self._input is not None and not self._input.rest:
            self._close_input()

    def go_on(self, *, full: bool) -> None:
        """Listen to its output, unless enough waits for the host."""
        for name in list(self._outputs):
            if full:
                self._paused.add(name)
                self._loop.modify(name, 0)
            elif name in self._paused:
                self._paused.discard(name)
                self._loop.modify(name, IN)
                self._read_soon(name)

    def kill(self) -> None:
        """End it, and all that it has started."""
        if self._status is None:
            self._native("TerminateJobObject", self._job, _KILLED)
        for name in list(self._outputs):
            self._close(name)

    def _time_is_up(self) -> None:
        self._timed_out = True
        if self._status is None:
            self._native("TerminateJobObject", self._job, _KILLED)

    def _exited(self, events: int) -> None:
        del events
        self._loop.remove(self._process)
        self._status = self._native.winapi.GetExitCodeProcess(self._process) & _STATUS_MAX
        self._native("CloseHandle", self._process)
        self._native("CloseHandle", self._job)
        if self._timer is not None:
            self._timer.cancel()
        self._close_input()
        if self._outputs:
            self._loop.at(_LINGER, self._linger)
        else:
            self._finish()

    def _linger(self) -> None:
        """It has ended, and its output is still open: drained by now, unless the host is slow."""
        if self._paused:
            self._loop.at(_LINGER, self._linger)
        elif self._outputs:
            for name in list(self._outputs):
                self._close(name)
            self._finish()

    def _finish(self) -> None:
        self._stage.finish("timeout" if self._timed_out else f"exit {self._status}")

    def _reader(self, name: int) -> Callable[[int], object]:
        return lambda _events: self._read(name)

    def _read_soon(self, name: int) -> None:
        self._loop.soon(lambda: self._read(name))

    def _read(self, name: int) -> None:
        tag = streams.OUTPUT if name == self._out else streams.ERRORS
        while name in self._outputs and name not in self._paused:
            try:
                data = self._outputs[name].take()
            except OSError:  # the other end is closed: there is no other sign of the end
                self._close(name)
                if not self._outputs and self._status is not None:
                    self._finish()
                return
            if data is None:
                return
            if data and not self._stage.produce(tag, data):
                self.go_on(full=True)

    def _close(self, name: int) -> None:
        one = self._outputs.pop(name)
        self._paused.discard(name)
        self._loop.remove(name)
        one.close()
        self._native("CloseHandle", self._handles[name])

    def _pour(self, data: bytes) -> None:
        assert self._input is not None
        try:
            self._input.put(data)
        except OSError:
            self._close_input()  # it reads no more; what the host sends is dropped
            return
        if self._no_more and not self._input.rest:
            self._close_input()

    def _writable(self, events: int) -> None:
        del events
        self._pour(b"")
        if self.ready:
            self._stage.flush()

    def _close_input(self) -> None:
        one, self._input = self._input, None
        if one is not None:
            self._loop.remove(self._put)
            one.close()
            self._native("CloseHandle", self._handles[self._put])


def _pipe(loop: WindowsLoop, *, writing: bool, opened: list[int]) -> tuple[int, int]:
    """A pipe: our end, which can be waited for, and the one to be inherited; both are added to `opened`."""
    winapi, native = loop.native.winapi, loop.native
    name = rf"\\.\pipe\guestwright-agent-{os.getpid()}-{os.urandom(8).hex()}"
    access = (_OUTBOUND if writing else _INBOUND) | _OVERLAPPED | _ALONE
    ours = winapi.CreateNamedPipe(name, access, _LOCAL, 1, _BUFFER, _BUFFER, 0, 0)
    opened.append(ours)
    theirs = winapi.CreateFile(name, _GENERIC_READ if writing else _GENERIC_WRITE, 0, 0, _EXISTING, 0, 0)
    opened.append(theirs)
    native.check("SetHandleInformation", theirs, _INHERITED, _INHERITED)
    winapi.ConnectNamedPipe(ours, overlapped=True).GetOverlappedResult(True)
    return ours, theirs


def _started(
    loop: WindowsLoop,
    program: str,
    line: str,
    theirs: Sequence[int],
    environment: Mapping[str, str],
    directory: str,
    job: int,
) -> int:
    """The process, in its job and running."""
    native = loop.native
    flags = _SUSPENDED | _NO_WINDOW
    startup = Startup(*theirs)
    process, thread, _, _ = native.winapi.CreateProcess(
        program, line, None, None, True, flags, dict(environment), directory, startup
    )
    try:
        native.check("AssignProcessToJobObject", job, process)
        native.check("ResumeThread", thread)  # how often it was suspended: once
    except OSError:
        native.winapi.TerminateProcess(process, _KILLED)
        native("CloseHandle", process)
        raise
    finally:
        native("CloseHandle", thread)
    return int(process)


class _Collected(Stage):
    """Keeps the beginning of what a program says."""

    def __init__(self) -> None:
        self.said = {streams.OUTPUT: bytearray(), streams.ERRORS: bytearray()}
        self.how = ""
        self.resume: Callable[[object], object] | None = None

    def produce(self, tag: bytes, data: bytes) -> bool:
        """See `Stage`."""
        said = self.said[tag]
        said += data[: max(0, _OUTPUT_MAX - len(said))]
        return True

    def flush(self) -> None:
        """See `Stage`."""

    def finish(self, how: str) -> None:
        """See `Stage`."""
        self.how = how
        if self.resume is not None:
            self.resume(None)


async def run_apart(loop: WindowsLoop, argv: Sequence[str], *, seconds: float) -> tuple[int, bytes, bytes]:
    """Run a program to its end.

    Args:
        loop: runs on meanwhile.
        argv: the program's path and arguments.
        seconds: after which it is ended.

    Returns:
        Its exit status (-1: time was up), and the first 64 KiB each of output and errors.

    Raises:
        OSError: it could not be started.
    """
    stage = _Collected()
    system = system_root()
    try:
        program = Program(loop, argv, commands.environment(system, {}), system, seconds, stage)
    except ValueError as error:
        raise OSError(0, str(error)) from error
    program.input_end()

    def begin(resume: Callable[[object], object]) -> None:
        stage.resume = resume

    await Wait(begin)
    status = int(stage.how[len("exit ") :]) if stage.how.startswith("exit ") else -1
    return status, bytes(stage.said[streams.OUTPUT]), bytes(stage.said[streams.ERRORS])


async def run(loop: WindowsLoop, argv: Sequence[str], *, seconds: float = 600.0) -> tuple[int, bytes]:
    """Run a program to its end; see `run_apart`. Output and errors are one."""
    status, out, errors = await run_apart(loop, argv, seconds=seconds)
    return status, out + errors
