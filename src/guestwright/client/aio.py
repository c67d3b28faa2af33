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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from guestwright.base.secret import Secret
from guestwright.client.address import Server
from guestwright.client.arunner import AsyncRunner
from guestwright.client.call import Call, Json, Page
from guestwright.client.flows import Progress
from guestwright.client.kinds import Kind
from guestwright.client.ovf_export import export
from guestwright.client.ovf_import import Importing, import_
from guestwright.client.ovf_parts import Told
from guestwright.client.parcels import Parcel
from guestwright.client.pieces import PATIENCE, Moved
from guestwright.client.settings import Settings
from guestwright.client.stream import Event
from guestwright.client.transfers import Sending

T = TypeVar("T")


class AsyncClient:
    """A client of one engine, for the tasks of one event loop.

    Args:
        server: the engine, or its URL.
        token: of the caller; None for what is open to all.
        others: engines on the same database, or their URLs: whoever can be reached is asked.
        sleep: waits, seconds.

    Raises:
        BadServer: the URL, or the file of authorities.
    """

    def __init__(
        self,
        server: Server | str,
        token: Secret | str | None = None,
        *,
        others: Sequence[Server | str] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = Settings(server, token, others)
        self._runner = AsyncRunner(self.settings, sleep)

    async def do(self, call: Call[T]) -> T:
        """Do one call.

        Raises:
            EngineRefused: the engine does not do it; its kinds say why.
            EngineUnreachable, EngineNotTrusted, EngineLost, EngineAnswerBad: there is no answer.
        """
        return await self._runner.run(self.settings.doing(call))

    def all(self, call: Call[Page], most: int | None = None) -> AsyncIterator[Json]:
        """The things of a list, page by page as they are needed; at most `most`. Raises as `do`."""
        return self._runner.given(self.settings.listing(call, most))

    async def find(self, kind: Kind, name: str) -> Json:
        """The one thing of a name or id.

        Raises:
            NoSuchThing, AmbiguousName: it is not one. And as `do`.
        """
        return await self._runner.run(self.settings.finding(kind, name))

    async def wait(self, job: str, progress: Progress | None = None, seconds: float | None = None) -> Json:
        """Wait for a job's end, also while the engine is restarted.

        Args:
            job: id.
            progress: is told the job, each time that it was looked at.
            seconds: how long; None for ever.

        Raises:
            RemoteJobFailed: it was undone. WaitedTooLong: it goes on. And as `do`.
        """
        return await self._runner.run(self.settings.waiting(job, progress, seconds))

    async def store_payload(
        self,
        files: Mapping[str, bytes],
        *,
        progress: Moved | None = None,
        patience: float = PATIENCE,
        **more: Any,
    ) -> Json:
        """Have the engine keep a payload, see `Client.store_payload`."""
        return await self._runner.run(
            self.settings.delivering(Parcel(files=files, **more), progress, patience)
        )

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
        return await self._runner.run(self.settings.uploading(sending, progress, patience))

    async def download_disk(
        self, disk: str, path: str, *, progress: Moved | None = None, patience: float = PATIENCE
    ) -> int:
        """Download a disk's file, see `Client.download_disk`."""
        return await self._runner.run(self.settings.downloading(disk, path, progress, patience))

    async def export_template(
        self, template: str, path: str, *, version: int | None = None, progress: Told | None = None
    ) -> Json:
        """Write a version of a template as an OVF package, see `Client.export_template`."""
        return await self._runner.run(export(self.settings, template, version, path, progress or _nobody))

    async def import_template(
        self, path: str, *, host: str, storage: str, progress: Told | None = None, **more: Any
    ) -> Json:
        """Make a template of an OVF package, see `Client.import_template`."""
        importing = Importing(path=path, host=host, storage=storage, **more)
        return await self._runner.run(import_(self.settings, importing, progress or _nobody))

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
        return self._runner.given(self.settings.following(after, kinds, patience))

    def close(self) -> None:
        """Close idle connections."""
        self._runner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await asyncio.sleep(0)  # what was closed is so with the loop's next turn


def _nobody(what: str, done: int, total: int) -> None:
    """For who wants no progress."""
