"""A session of the agent with a host that a test plays, and a clock that it sets."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Coroutine
from typing import Any

from guestwright.agent.channel.session import Session
from guestwright.agent.channel.transport import Transport
from guestwright.agent.channel.wire import Stream, frame
from guestwright.agent.loop import Loop
from guestwright.agent.tasks import Task, Wait


class Pipe(Transport):
    """One end of a socket pair, dressed as one of the transports."""

    def __init__(self, fd: int, **differences: Any) -> None:
        super().__init__(fd)
        self.__dict__.update(differences)


class Host:
    """The other end, and the time."""

    def __init__(self, **differences: Any) -> None:
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.differences = differences
        self.reachable = True
        self.opened = 0
        self.end: socket.socket | None = None
        self.stream = Stream()
        self.ups = self.downs = 0
        self.session = Session(self.loop, self.open, on_up=self.up, on_down=self.down)

    def open(self) -> Transport | None:
        self.opened += 1
        if not self.reachable:
            return None
        if self.end is not None:
            self.end.close()
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        theirs.setblocking(False)
        self.end, self.stream = theirs, Stream()
        return Pipe(mine.detach(), **self.differences)

    def up(self) -> None:
        self.ups += 1

    def down(self) -> None:
        self.downs += 1

    def turn(self, times: int = 4) -> None:
        for _ in range(times):
            self.loop.turn(0)

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.turn()

    def heard(self) -> list[tuple[int, int, int, bytes]]:
        """Requests that have arrived."""
        self.turn()
        assert self.end is not None
        with contextlib.suppress(BlockingIOError):
            self.stream.feed(self.end.recv(1 << 16))
        found = []
        while (message := self.stream.next()) is not None:
            found.append(message)
        return found

    def say(self, *messages: tuple[int, int, int, bytes]) -> None:
        self.raw(b"".join(frame(*one) for one in messages))

    def raw(self, data: bytes) -> None:
        assert self.end is not None
        self.end.send(data)
        self.turn()

    def close(self) -> None:
        self.session.close()
        self.loop.close()
        if self.end is not None:
            self.end.close()


class Outcome:
    """What came of a request."""

    def __init__(self, work: Wait | Coroutine[Wait, Any, Any]) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.over = False
        Task(self._run(work), self._ended)

    async def _run(self, work: Wait | Coroutine[Wait, Any, Any]) -> None:
        self.value = await work

    def _ended(self, error: BaseException | None) -> None:
        self.over, self.error = True, error
