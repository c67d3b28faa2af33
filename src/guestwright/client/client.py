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
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from guestwright.base.secret import Secret
from guestwright.client.address import Server
from guestwright.client.call import Call, Json, Page
from guestwright.client.flows import Progress
from guestwright.client.kinds import Kind
from guestwright.client.ovf_export import export
from guestwright.client.ovf_import import Importing, import_
from guestwright.client.ovf_parts import Told
from guestwright.client.parcels import Parcel
from guestwright.client.pieces import PATIENCE, Moved
from guestwright.client.runner import Runner
from guestwright.client.settings import Settings
from guestwright.client.stream import Event
from guestwright.client.transfers import Sending

T = TypeVar("T")


class Client:
    """A client of one engine; may be used by several threads.

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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = Settings(server, token, others)
        self._runner = Runner(self.settings, sleep)

    def do(self, call: Call[T]) -> T:
        """Do one call.

        Raises:
            EngineRefused: the engine does not do it; its kinds say why.
            EngineUnreachable, EngineNotTrusted, EngineLost, EngineAnswerBad: there is no answer.
        """
        return self._runner.run(self.settings.doing(call))

    def all(self, call: Call[Page], most: int | None = None) -> Iterator[Json]:
        """The things of a list, page by page as they are needed; at most `most`. Raises as `do`."""
        return self._runner.given(self.settings.listing(call, most))

    def find(self, kind: Kind, name: str) -> Json:
        """The one thing of a name or id.

        Raises:
            NoSuchThing, AmbiguousName: it is not one. And as `do`.
        """
        return self._runner.run(self.settings.finding(kind, name))

    def wait(self, job: str, progress: Progress | None = None, seconds: float | None = None) -> Json:
        """Wait for a job's end, also while the engine is restarted.

        Args:
            job: id.
            progress: is told the job, each time that it was looked at.
            seconds: how long; None for ever.

        Raises:
            RemoteJobFailed: it was undone. WaitedTooLong: it goes on. And as `do`.
        """
        return self._runner.run(self.settings.waiting(job, progress, seconds))

    def store_payload(
        self,
        files: Mapping[str, bytes],
        *,
        progress: Moved | None = None,
        patience: float = PATIENCE,
        **more: Any,
    ) -> Json:
        """Have the engine keep a payload, a large one by pieces, also over lost connections.

        Args:
            files: relative names to contents.
            progress: is told bytes so far, and in all, of a large one.
            patience: seconds without progress after which it is given up.
            more: `name` and `description` of a new one, or `payload` and `expected` for a version; `label`,
                `upload`, `begun`: see `parcels.Parcel`.

        Returns:
            The payload.

        Raises:
            UploadDiffers: the upload to be gone on with is of something else. And as `do`.
        """
        return self._runner.run(self.settings.delivering(Parcel(files=files, **more), progress, patience))

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
        return self._runner.run(self.settings.uploading(sending, progress, patience))

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
        return self._runner.run(self.settings.downloading(disk, path, progress, patience))

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
        return self._runner.run(export(self.settings, template, version, path, progress or _nobody))

    def import_template(
        self, path: str, *, host: str, storage: str, progress: Told | None = None, **more: Any
    ) -> Json:
        """Make a template of an OVF package: upload its disks, and have the engine do the rest.

        Args:
            path: of an OVA, a descriptor, or the directory of one.
            host: name or id.
            storage: name of a storage domain there.
            progress: see `export_template`.
            more: `name`, `seal`: see `ovf_import.Importing`.

        Returns:
            The job that makes the template, begun: `wait` for it.

        Raises:
            BadPackage, BadDescriptor, PackageChanged, UnsupportedPackage: it is none that can be imported.
            LocalImageBad: it cannot be read. And as `do`.
        """
        importing = Importing(path=path, host=host, storage=storage, **more)
        return self._runner.run(import_(self.settings, importing, progress or _nobody))

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
        return self._runner.given(self.settings.following(after, kinds, patience))

    def close(self) -> None:
        """Close idle connections."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _nobody(what: str, done: int, total: int) -> None:
    """For who wants no progress."""
