"""Templates to and from packages: an OVA, or a directory with a descriptor and its files.

Theory of operation: an export asks for the descriptor, downloads each disk beside the package, and writes the
package under another name, which is taken away at its end; so there is a whole package, or none. An import
reads the descriptor, holds it and each disk against the manifest, uploads the disks one by one, and has the
engine make a template of them, which is told the digests, so that what is on the host is what was in the
package. Contents of payloads are in neither: the engine gives none away with a template.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from guestwright.base.record import record, replace
from guestwright.client.call import Json
from guestwright.client.calls import templates, templates_ovf
from guestwright.client.errors import LocalImageBad, NoSuchThing
from guestwright.client.foreign import made_qcow2, must_be_convertible
from guestwright.client.kinds import HOSTS, TEMPLATES
from guestwright.client.settings import Settings
from guestwright.client.steps import Flow, Work
from guestwright.client.transfers import Sending
from guestwright.ovf.archive import Package, opened, pack, sha256_of
from guestwright.ovf.errors import UnsupportedPackage
from guestwright.ovf.manifest import write_manifest
from guestwright.ovf.model import Descriptor, Disk, Format
from guestwright.ovf.reader import read, with_files
from guestwright.ovf.words import URIS
from guestwright.ovf.writer import write

SUFFIX: Final = ".ova"
_PAGE: Final = 1000

Told = Callable[[str, int, int], object]
"""Is told what is being done, bytes so far, and in all."""


@record
class Importing:
    """What to import, and as what.

    Attributes:
        path: of an OVA, a descriptor or the directory of one.
        host: name or id.
        storage: name of a storage domain there.
        name: of the template; "" for the package's.
        seal: whether the disks are sealed, there; None if the package says that they were.
    """

    path: str
    host: str
    storage: str
    name: str = ""
    seal: bool | None = None


def export(settings: Settings, template: str, version: int | None, path: str, told: Told) -> Flow[Json]:
    """Write a version of a template as a package.

    Args:
        settings: of the client.
        template: name or id.
        version: number; None for the newest that is ready.
        path: of an OVA, if it ends so; else of a directory, which may be there, and empty.
        told: progress.

    Returns:
        `template`, `version`, `path`, `bytes`, `files` (names).

    Raises:
        RemoteError: the engine does not give it, or does not answer.
        LocalImageBad: the package cannot be written.
    """
    found = yield from settings.finding(TEMPLATES, template)
    number = version if version is not None else (yield from _newest(settings, found))
    asked: Json = yield from settings.doing(templates_ovf.descriptor(found["id"], number))
    descriptor = read(str(asked["descriptor"]).encode())
    target = Path(path)
    place: Path = yield Work(partial(_guarded, path, partial(_place_for, target)))
    try:
        for file in descriptor.files:
            moved = partial(told, f"downloads {file.name}")
            yield from settings.downloading(file.id, str(place / file.name), moved)
        written = partial(_write, descriptor, str(asked["name"]), place, target, told)
        names = yield Work(partial(_guarded, path, written))
    finally:
        if place != target:
            shutil.rmtree(place, ignore_errors=True)
    size = yield Work(partial(_size_of, target))
    return {"template": found["name"], "version": number, "path": path, "bytes": size, "files": names}


def import_(settings: Settings, importing: Importing, told: Told) -> Flow[Json]:
    """Make a template of a package.

    Args:
        settings: of the client.
        importing: what.
        told: progress.

    Returns:
        the job that makes it, begun.

    Raises:
        BadPackage, BadDescriptor, PackageChanged, UnsupportedPackage: it is none that can be imported.
        LocalImageBad: it cannot be read.
        RemoteError: the engine does not take it, or does not answer.
    """
    host = (yield from settings.finding(HOSTS, importing.host))["id"]
    path = Path(importing.path)
    with ExitStack() as stack:
        package: Package = yield Work(
            partial(_guarded, importing.path, partial(stack.enter_context, opened(path)))
        )
        for disk in package.descriptor.disks:
            _must_be_readable(disk, package.descriptor)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_beside(path), prefix=".import-")))
        disks: dict[str, str] = {}
        taken: list[_Taken] = []
        for disk in package.descriptor.disks:
            work = partial(_take, package, disk, scratch, told)
            one: _Taken = yield Work(partial(_guarded, importing.path, work))
            taken.append(one)
            name = importing.name or package.descriptor.name
            sending = Sending(
                path=str(one.path),
                name=f"{name}-{disk.target or disk.id}",
                host=host,
                storage=importing.storage,
                format=one.disk.format,
                size=one.disk.capacity,
            )
            begun = yield from settings.uploading(sending, partial(told, f"uploads {one.path.name}"))
            yield Work(one.path.unlink)
            ended = yield from settings.waiting(str(begun["id"]), None, None)
            disks[disk.file] = str(ended["result"]["disk"])
        text = _told_of(package, taken)
    digests = {one.disk.file: one.digest for one in taken}
    call = templates_ovf.make(text, disks, name=importing.name, seal=importing.seal, digests=digests)
    return (yield from settings.doing(call))


def _newest(settings: Settings, template: Json) -> Flow[int]:
    page = yield from settings.doing(templates.versions(template["id"]).with_query(limit=_PAGE))
    ready = [int(one["number"]) for one in page.items if one.get("state") == "ready"]
    if not ready:
        raise NoSuchThing(kind="version of template", name=template["name"])
    return max(ready)


def _must_be_readable(disk: Disk, descriptor: Descriptor) -> None:
    """Before gigabytes are sent."""
    if disk.format not in URIS:
        must_be_convertible(disk)
    if descriptor.file(disk.file) is None:
        raise UnsupportedPackage(what=f"disk {disk.id}", problem="an empty disk has no file in the package")


def _place_for(target: Path) -> Path:
    """Where files are downloaded to: beside an archive, or what is to be the package's directory."""
    if target.suffix.lower() == SUFFIX:
        return Path(tempfile.mkdtemp(dir=_beside(target), prefix=".export-"))
    target.mkdir(exist_ok=True)
    if any(target.iterdir()):
        raise LocalImageBad(path=str(target), problem="it is a directory with something in it")
    return target


def _write(descriptor: Descriptor, name: str, place: Path, target: Path, told: Told) -> list[str]:
    """Write descriptor, manifest and archive; names of the files."""
    disks = {one.name: place / one.name for one in descriptor.files}
    text = write(with_files(descriptor, {one.id: disks[one.name].stat().st_size for one in descriptor.files}))
    total = sum(path.stat().st_size for path in disks.values())
    digests = {name: hashlib.sha256(text).hexdigest()}
    moved = _Sum(told, "reads the disks", total)
    digests |= {one: sha256_of(path, moved) for one, path in disks.items()}
    listed = f"{name.removesuffix('.ovf')}.mf"
    small = {name: text, listed: write_manifest(digests)}
    if place == target:
        for one, data in small.items():
            (target / one).write_bytes(data)
    else:
        made = place / "package"
        with made.open("wb") as file:
            pack(file, {**small, **disks}, _Sum(told, "writes the package", total))
            file.flush()
            os.fsync(file.fileno())
        made.replace(target)
    return [*small, *disks]


@record
class _Taken:
    """A disk out of a package: its file, how it is described now, and its SHA-256."""

    path: Path
    disk: Disk
    digest: str


def _take(package: Package, disk: Disk, scratch: Path, told: Told) -> _Taken:
    """Take a disk out of a package, held against the manifest; one of another format is made qcow2."""
    file = package.descriptor.file(disk.file)
    assert file is not None  # as `_must_be_readable` has checked
    copy = scratch / file.name
    with copy.open("wb") as target:
        size = package.contents.size(file.name) if file.name in package.contents.names() else 0
        digest = package.extract(file, target, _Sum(told, f"reads {file.name}", size))
    if disk.format in URIS:
        return _Taken(path=copy, disk=disk, digest=digest)
    made = scratch / f"{file.name}.qcow2"
    told(f"converts {file.name}", 0, 1)
    capacity = made_qcow2(copy, disk, made)
    copy.unlink()
    now = replace(disk, format=Format.QCOW2, uri=URIS[Format.QCOW2], capacity=capacity)
    return _Taken(path=made, disk=now, digest=sha256_of(made, _Sum(told, f"reads {made.name}", capacity)))


def _told_of(package: Package, taken: list[_Taken]) -> str:
    """The descriptor as it came, or, where disks were converted, as ours with the disks as they are now."""
    disks = tuple(one.disk for one in taken)
    if disks == package.descriptor.disks:
        return package.text.decode()
    return write(replace(package.descriptor, disks=disks)).decode()


def _beside(path: Path) -> Path | None:
    """Where large files may go: beside the package, else where the system has temporary ones."""
    return path.absolute().parent if os.access(path.absolute().parent, os.W_OK) else None


def _size_of(path: Path) -> int:
    if path.is_dir():
        return sum(one.stat().st_size for one in path.iterdir())
    return path.stat().st_size


def _guarded(path: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except OSError as error:
        raise LocalImageBad(path=path, problem=error.strerror or str(error)) from error


class _Sum:
    """Adds up what was moved, and tells of it."""

    def __init__(self, told: Told, what: str, total: int) -> None:
        self._told = told
        self._what = what
        self._total = total
        self._done = 0

    def __call__(self, count: int) -> None:
        self._done += count
        self._told(self._what, min(self._done, self._total), self._total)
