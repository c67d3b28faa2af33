"""Templates from packages: an OVA, a descriptor, or the directory of one.

Theory of operation: an import reads the descriptor, holds it and each disk against the manifest, makes what
hosts do not keep qcow2, uploads the disks one by one, and has the engine make a template of them, which is
told the digests, so that what is on the host is what was in the package.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from guestwright.base.record import record, replace
from guestwright.client.call import Json
from guestwright.client.calls import templates_ovf
from guestwright.client.foreign import made_qcow2, must_be_convertible
from guestwright.client.kinds import HOSTS
from guestwright.client.ovf_parts import Sum, Told, beside, guarded
from guestwright.client.settings import Settings
from guestwright.client.steps import Flow, Work
from guestwright.client.transfers import Sending
from guestwright.ovf.archive import Package, opened, sha256_of
from guestwright.ovf.errors import UnsupportedPackage
from guestwright.ovf.model import Descriptor, Disk, Format
from guestwright.ovf.words import URIS
from guestwright.ovf.writer import write


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
            partial(guarded, importing.path, partial(stack.enter_context, opened(path)))
        )
        for disk in package.descriptor.disks:
            _must_be_readable(disk, package.descriptor)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=beside(path), prefix=".import-")))
        disks: dict[str, str] = {}
        taken: list[_Taken] = []
        for disk in package.descriptor.disks:
            work = partial(_take, package, disk, scratch, told)
            one: _Taken = yield Work(partial(guarded, importing.path, work))
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


def _must_be_readable(disk: Disk, descriptor: Descriptor) -> None:
    """Before gigabytes are sent."""
    if disk.format not in URIS:
        must_be_convertible(disk)
    if descriptor.file(disk.file) is None:
        raise UnsupportedPackage(what=f"disk {disk.id}", problem="an empty disk has no file in the package")


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
        digest = package.extract(file, target, Sum(told, f"reads {file.name}", size))
    if disk.format in URIS:
        return _Taken(path=copy, disk=disk, digest=digest)
    made = scratch / f"{file.name}.qcow2"
    told(f"converts {file.name}", 0, 1)
    capacity = made_qcow2(copy, disk, made)
    copy.unlink()
    now = replace(disk, format=Format.QCOW2, uri=URIS[Format.QCOW2], capacity=capacity)
    return _Taken(path=made, disk=now, digest=sha256_of(made, Sum(told, f"reads {made.name}", capacity)))


def _told_of(package: Package, taken: list[_Taken]) -> str:
    """The descriptor as it came, or, where disks were converted, as ours with the disks as they are now."""
    disks = tuple(one.disk for one in taken)
    if disks == package.descriptor.disks:
        return package.text.decode()
    return write(replace(package.descriptor, disks=disks)).decode()
