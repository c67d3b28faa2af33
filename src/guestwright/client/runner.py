"""Runs the flows of the synchronous client over connections to an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from guestwright.client.call import Answer, Request
from guestwright.client.errors import EngineLost, EngineUnreachable, RemoteError
from guestwright.client.line import Line
from guestwright.client.settings import Settings
from guestwright.client.steps import Ask, Flow, Give, More, Open, Pause, Running, Step, Work
from guestwright.client.wire import Head

T = TypeVar("T")
_IDLE_MAX: Final = 8


class Runner:
    """Runs flows; may be used by several threads.

    Args:
        settings: where, and as whom.
        sleep: waits, seconds.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None]) -> None:
        self.settings = settings
        self._sleep = sleep
        self._idle: list[Line] = []

    def run(self, flow: Flow[T]) -> T:
        """Run a flow that gives nothing; its result."""
        running = Running(flow)
        for _ in self._steps(running):
            raise AssertionError("unreachable")
        return running.result

    def given(self, flow: Flow[None]) -> Iterator[Any]:
        """Run a flow; what it gives."""
        return self._steps(Running(flow))

    def _steps(self, running: Running[T]) -> Iterator[Any]:
        stream = _Stream(self)
        try:
            while (step := running.advance()) is not None:
                if isinstance(step, Give):
                    yield step.item
                    continue
                try:
                    running.given = self._done(step, stream)
                except RemoteError as error:
                    running.failed = error
        finally:
            stream.close()
            running.close()

    def _done(self, step: Step, stream: _Stream) -> Any:
        if isinstance(step, Ask):
            return self._ask(step.request)
        if isinstance(step, Open):
            return stream.open(step.request)
        if isinstance(step, More):
            return stream.more(step.seconds)
        if isinstance(step, Work):
            return step.do()
        if isinstance(step, Pause):
            self._sleep(step.seconds)
        return None

    def _ask(self, request: Request) -> Answer:
        line = self._line()
        try:
            answer = line.run(line.wire.ask(request, self.settings.token), request.seconds, str(request))
        except BaseException:
            line.close()
            raise
        self._idle.append(line)
        while len(self._idle) > _IDLE_MAX:
            self._idle.pop(0).close()
        return answer

    def _line(self) -> Line:
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:  # another thread has taken it
                break
            if line.usable():
                return line
            line.close()
        return self.connect()

    def connect(self) -> Line:
        """Make a connection, to the first engine that can be reached; see `Line`."""
        failed: EngineUnreachable | None = None
        for server, context in self.settings.places():
            try:
                line = Line(server, context)
            except EngineUnreachable as error:  # it was asked for nothing yet
                failed = failed or error
                continue
            self.settings.answered(server)
            return line
        assert failed is not None  # there is one place at least
        raise failed

    def close(self) -> None:
        """Close idle connections."""
        while self._idle:
            self._idle.pop().close()


class _Stream:
    """The answer that is read bit by bit."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._line: Line | None = None
        self._what = ""

    def open(self, request: Request) -> Head:
        self.close()
        self._line, self._what = self._runner.connect(), str(request)
        moves = self._line.wire.open(request, self._runner.settings.token)
        return self._line.run(moves, request.seconds, self._what)

    def more(self, seconds: float) -> bytes:
        if self._line is None:
            raise EngineLost(server=str(self._runner.settings.server), request="it", problem="it was closed")
        return self._line.run(self._line.wire.more(), seconds, self._what)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
