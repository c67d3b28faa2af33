"""The synchronous client.

    with Client("https://engine.lan:8420", token) as client:
        vm = client.find(VMS, "web-1")
        client.do(vms.power(vm["id"], "start"))
        for one in client.all(VMS.all(filters=("agent=live",))):
            print(one["name"])

Answers are the JSON of the API (its `openapi.json`), as dictionaries. Errors are those of `client/errors.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from guestwright.base.secret import Secret
from guestwright.client.address import Server
from guestwright.client.call import Answer, Call, Json, Page, Request
from guestwright.client.errors import EngineLost, RemoteError
from guestwright.client.flows import Progress
from guestwright.client.kinds import Kind
from guestwright.client.line import Line
from guestwright.client.ovf import Importing, Told, export, import_
from guestwright.client.settings import Settings
from guestwright.client.steps import Ask, Flow, Give, More, Open, Pause, Running, Step, Work
from guestwright.client.stream import Event
from guestwright.client.transfers import PATIENCE, Moved, Sending
from guestwright.client.wire import Head

T = TypeVar("T")
_IDLE_MAX: Final = 8


class Client:
    """A client of one engine; may be used by several threads.

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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = Settings(server, token)
        self._sleep = sleep
        self._idle: list[Line] = []

    def do(self, call: Call[T]) -> T:
        """Do one call.

        Raises:
            EngineRefused: the engine does not do it; its kinds say why.
            EngineUnreachable, EngineNotTrusted, EngineLost, EngineAnswerBad: there is no answer.
        """
        return self._run(self.settings.doing(call))

    def all(self, call: Call[Page], most: int | None = None) -> Iterator[Json]:
        """The things of a list, page by page as they are needed; at most `most`. Raises as `do`."""
        return self._given(self.settings.listing(call, most))

    def find(self, kind: Kind, name: str) -> Json:
        """The one thing of a name or id.

        Raises:
            NoSuchThing, AmbiguousName: it is not one. And as `do`.
        """
        return self._run(self.settings.finding(kind, name))

    def wait(self, job: str, progress: Progress | None = None, seconds: float | None = None) -> Json:
        """Wait for a job's end, also while the engine is restarted.

        Args:
            job: id.
            progress: is told the job, each time that it was looked at.
            seconds: how long; None for ever.

        Raises:
            RemoteJobFailed: it was undone. WaitedTooLong: it goes on. And as `do`.
        """
        return self._run(self.settings.waiting(job, progress, seconds))

    def upload_disk(
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
        """Upload a disk's file, also over lost connections and while the engine is restarted.

        Args:
            path: of the file.
            name: of the disk.
            host: id of a host.
            storage: name of a storage domain there.
            progress: is told bytes so far, and in all.
            patience: seconds without progress after which it is given up.
            more: `format`, `size`, `description`, `upload`, `begun`: see `transfers.Sending`.

        Returns:
            The job that ends it, begun: `wait` for it; its result has `disk` and `volume`.

        Raises:
            LocalImageBad, FormatNotStated, FormatMismatch: it is no file that can be uploaded. And as `do`.
        """
        sending = Sending(path=path, name=name, host=host, storage=storage, **more)
        return self._run(self.settings.uploading(sending, progress, patience))

    def download_disk(
        self, disk: str, path: str, *, progress: Moved | None = None, patience: float = PATIENCE
    ) -> int:
        """Download a disk's file; see `upload_disk` for `progress` and `patience`.

        Args:
            disk: id.
            path: of the file, which is replaced when all of it is there.
            progress: see above.
            patience: see above.

        Returns:
            Its size, bytes.

        Raises:
            OSError: the file cannot be written. And as `do`.
        """
        return self._run(self.settings.downloading(disk, path, progress, patience))

    def export_template(
        self, template: str, path: str, *, version: int | None = None, progress: Told | None = None
    ) -> Json:
        """Write a version of a template as an OVF package.

        Args:
            template: name or id.
            path: of an OVA, if it ends in ".ova"; else of a directory.
            version: number; None for the newest that is ready.
            progress: is told what is being done, bytes so far, and in all.

        Returns:
            `template`, `version`, `path`, `bytes` and `files`, names.

        Raises:
            LocalImageBad: it cannot be written. And as `do`.
        """
        return self._run(export(self.settings, template, version, path, progress or _nobody))

    def import_template(
        self, path: str, *, host: str, storage: str, progress: Told | None = None, **more: Any
    ) -> Json:
        """Make a template of an OVF package: upload its disks, and have the engine do the rest.

        Args:
            path: of an OVA, a descriptor, or the directory of one.
            host: name or id.
            storage: name of a storage domain there.
            progress: see `export_template`.
            more: `name`, `seal`: see `ovf.Importing`.

        Returns:
            The job that makes the template, begun: `wait` for it.

        Raises:
            BadPackage, BadDescriptor, PackageChanged, UnsupportedPackage: it is none that can be imported.
            LocalImageBad: it cannot be read. And as `do`.
        """
        importing = Importing(path=path, host=host, storage=storage, **more)
        return self._run(import_(self.settings, importing, progress or _nobody))

    def events(
        self, after: str | None = None, *, kinds: tuple[str, ...] = (), patience: float = 3600.0
    ) -> Iterator[Event]:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        running = Running(flow)
        for _ in self._steps(running):
            raise AssertionError("unreachable")
        return running.result

    def _given(self, flow: Flow[None]) -> Iterator[Any]:
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
        """Make a connection; see `Line`."""
        return Line(self.settings.server, self.settings.context)


def _nobody(what: str, done: int, total: int) -> None:
    """For who wants no progress."""


class _Stream:
    """The answer that is read bit by bit."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._line: Line | None = None
        self._what = ""

    def open(self, request: Request) -> Head:
        self.close()
        self._line, self._what = self._client.connect(), str(request)
        moves = self._line.wire.open(request, self._client.settings.token)
        return self._line.run(moves, request.seconds, self._what)

    def more(self, seconds: float) -> bytes:
        if self._line is None:
            raise EngineLost(server=str(self._client.settings.server), request="it", problem="it was closed")
        return self._line.run(self._line.wire.more(), seconds, self._what)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
