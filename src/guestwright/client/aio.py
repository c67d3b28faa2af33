"""The asynchronous client.

    async with AsyncClient("https://engine.lan:8420", token) as client:
        vm = await client.find(VMS, "web-1")
        await client.do(vms.power(vm["id"], "start"))
        async for one in client.all(VMS.all(filters=("agent=live",))):
            print(one["name"])

Answers are the JSON of the API (its `openapi.json`), as dictionaries. Errors are those of `client/errors.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from guestwright.base.secret import Secret
from guestwright.client.address import Server
from guestwright.client.aline import AsyncLine, connect
from guestwright.client.call import Answer, Call, Json, Page, Request
from guestwright.client.errors import EngineLost, RemoteError
from guestwright.client.flows import Progress
from guestwright.client.kinds import Kind
from guestwright.client.ovf import Importing, Told, export, import_
from guestwright.client.settings import Settings
from guestwright.client.steps import Ask, Flow, Give, More, Open, Pause, Running, Step, Work
from guestwright.client.stream import Event
from guestwright.client.transfers import PATIENCE, Moved, Sending
from guestwright.client.wire import Head

T = TypeVar("T")
_IDLE_MAX: Final = 8


class AsyncClient:
    """A client of one engine, for the tasks of one event loop.

    Args:
        server: the engine, or its URL.
        token: of the caller; None for what is open to all.
        sleep: waits, seconds.

    Raises:
        BadServer: the URL, or the file of authorities.
    """

    def __init__(
        self,
        server: Server | str,
        token: Secret | str | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = Settings(server, token)
        self._sleep = sleep
        self._idle: list[AsyncLine] = []

    async def do(self, call: Call[T]) -> T:
        """Do one call.

        Raises:
            EngineRefused: the engine does not do it; its kinds say why.
            EngineUnreachable, EngineNotTrusted, EngineLost, EngineAnswerBad: there is no answer.
        """
        return await self._run(self.settings.doing(call))

    def all(self, call: Call[Page], most: int | None = None) -> AsyncIterator[Json]:
        """The things of a list, page by page as they are needed; at most `most`. Raises as `do`."""
        return self._given(self.settings.listing(call, most))

    async def find(self, kind: Kind, name: str) -> Json:
        """The one thing of a name or id.

        Raises:
            NoSuchThing, AmbiguousName: it is not one. And as `do`.
        """
        return await self._run(self.settings.finding(kind, name))

    async def wait(self, job: str, progress: Progress | None = None, seconds: float | None = None) -> Json:
        """Wait for a job's end, also while the engine is restarted.

        Args:
            job: id.
            progress: is told the job, each time that it was looked at.
            seconds: how long; None for ever.

        Raises:
            RemoteJobFailed: it was undone. WaitedTooLong: it goes on. And as `do`.
        """
        return await self._run(self.settings.waiting(job, progress, seconds))

    async def upload_disk(
        self,
        path: str,
        *,
        name: str,
        host: str,
        storage: str,
        progress: Moved | None = None,
        patience: float = PATIENCE,
        **more: Any,
    ) -> Json:
        """Upload a disk's file, see `Client.upload_disk`."""
        sending = Sending(path=path, name=name, host=host, storage=storage, **more)
        return await self._run(self.settings.uploading(sending, progress, patience))

    async def download_disk(
        self, disk: str, path: str, *, progress: Moved | None = None, patience: float = PATIENCE
    ) -> int:
        """Download a disk's file, see `Client.download_disk`."""
        return await self._run(self.settings.downloading(disk, path, progress, patience))

    async def export_template(
        self, template: str, path: str, *, version: int | None = None, progress: Told | None = None
    ) -> Json:
        """Write a version of a template as an OVF package, see `Client.export_template`."""
        return await self._run(export(self.settings, template, version, path, progress or _nobody))

    async def import_template(
        self, path: str, *, host: str, storage: str, progress: Told | None = None, **more: Any
    ) -> Json:
        """Make a template of an OVF package, see `Client.import_template`."""
        importing = Importing(path=path, host=host, storage=storage, **more)
        return await self._run(import_(self.settings, importing, progress or _nobody))

    def events(
        self, after: str | None = None, *, kinds: tuple[str, ...] = (), patience: float = 3600.0
    ) -> AsyncIterator[Event]:
        """What happens, for ever: each event once, also over lost connections.

        Args:
            after: token after which to begin; "" for the oldest that is kept, None for now.
            kinds: only of these; all without any.
            patience: seconds for which a connection that was lost is tried again.

        Raises:
            as `do`.
        """
        return self._given(self.settings.following(after, kinds, patience))

    def close(self) -> None:
        """Close idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await asyncio.sleep(0)  # what was closed is so with the loop's next turn

    async def _run(self, flow: Flow[T]) -> T:
        running = Running(flow)
        async for _ in self._steps(running):
            raise AssertionError("unreachable")
        return running.result

    def _given(self, flow: Flow[None]) -> AsyncIterator[Any]:
        return self._steps(Running(flow))

    async def _steps(self, running: Running[T]) -> AsyncIterator[Any]:
        stream = _Stream(self)
        try:
            while (step := running.advance()) is not None:
                if isinstance(step, Give):
                    yield step.item
                    continue
                try:
                    running.given = await self._done(step, stream)
                except RemoteError as error:
                    running.failed = error
        finally:
            stream.close()
            running.close()

    async def _done(self, step: Step, stream: _Stream) -> Any:
        if isinstance(step, Ask):
            return await self._ask(step.request)
        if isinstance(step, Open):
            return await stream.open(step.request)
        if isinstance(step, More):
            return await stream.more(step.seconds)
        if isinstance(step, Work):
            return await asyncio.to_thread(step.do)
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
        return None

    async def _ask(self, request: Request) -> Answer:
        line = await self._line()
        try:
            answer = await line.run(
                line.wire.ask(request, self.settings.token), request.seconds, str(request)
            )
        except BaseException:
            line.close()
            raise
        self._idle.append(line)
        while len(self._idle) > _IDLE_MAX:
            self._idle.pop(0).close()
        return answer

    async def _line(self) -> AsyncLine:
        while self._idle:
            line = self._idle.pop()
            if line.usable():
                return line
            line.close()
        return await self.connect()

    async def connect(self) -> AsyncLine:
        """Make a connection; see `aline.connect`."""
        return await connect(self.settings.server, self.settings.context)


def _nobody(what: str, done: int, total: int) -> None:
    """For who wants no progress."""


class _Stream:
    """The answer that is read bit by bit."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._line: AsyncLine | None = None
        self._what = ""

    async def open(self, request: Request) -> Head:
        self.close()
        self._line, self._what = await self._client.connect(), str(request)
        moves = self._line.wire.open(request, self._client.settings.token)
        return await self._line.run(moves, request.seconds, self._what)

    async def more(self, seconds: float) -> bytes:
        if self._line is None:
            raise EngineLost(server=str(self._client.settings.server), request="it", problem="it was closed")
        return await self._line.run(self._line.wire.more(), seconds, self._what)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
