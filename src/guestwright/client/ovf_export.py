"""Templates to packages: an OVA, or a directory with a descriptor and its files.

Theory of operation: an export asks for the descriptor, downloads each disk beside the package, and writes the
package under another name, which is taken away at its end; so there is a whole package, or none. Contents of
payloads are not in it: the engine gives none away with a template.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from guestwright.client.call import Json
from guestwright.client.calls import templates, templates_ovf
from guestwright.client.errors import LocalImageBad, NoSuchThing
from guestwright.client.kinds import TEMPLATES
from guestwright.client.ovf_parts import Sum, Told, beside, guarded
from guestwright.client.settings import Settings
from guestwright.client.steps import Flow, Work
from guestwright.ovf.archive import pack, sha256_of
from guestwright.ovf.manifest import write_manifest
from guestwright.ovf.model import Descriptor
from guestwright.ovf.reader import read, with_files
from guestwright.ovf.writer import write

SUFFIX: Final = ".ova"
_PAGE: Final = 1000


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
    place: Path = yield Work(partial(guarded, path, partial(_place_for, target)))
    try:
        for file in descriptor.files:
            moved = partial(told, f"downloads {file.name}")
            yield from settings.downloading(file.id, str(place / file.name), moved)
        written = partial(_write, descriptor, str(asked["name"]), place, target, told)
        names = yield Work(partial(guarded, path, written))
    finally:
        if place != target:
            shutil.rmtree(place, ignore_errors=True)
    size = yield Work(partial(_size_of, target))
    return {"template": found["name"], "version": number, "path": path, "bytes": size, "files": names}


def _newest(settings: Settings, template: Json) -> Flow[int]:
    page = yield from settings.doing(templates.versions(template["id"]).with_query(limit=_PAGE))
    ready = [int(one["number"]) for one in page.items if one.get("state") == "ready"]
    if not ready:
        raise NoSuchThing(kind="version of template", name=template["name"])
    return max(ready)


def _place_for(target: Path) -> Path:
    """Where files are downloaded to: beside an archive, or what is to be the package's directory."""
    if target.suffix.lower() == SUFFIX:
        return Path(tempfile.mkdtemp(dir=beside(target), prefix=".export-"))
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
    moved = Sum(told, "reads the disks", total)
    digests |= {one: sha256_of(path, moved) for one, path in disks.items()}
    listed = f"{name.removesuffix('.ovf')}.mf"
    small = {name: text, listed: write_manifest(digests)}
    if place == target:
        for one, data in small.items():
            (target / one).write_bytes(data)
    else:
        made = place / "package"
        with made.open("wb") as file:
            pack(file, {**small, **disks}, Sum(told, "writes the package", total))
            file.flush()
            os.fsync(file.fileno())
        made.replace(target)
    return [*small, *disks]


def _size_of(path: Path) -> int:
    if path.is_dir():
        return sum(one.stat().st_size for one in path.iterdir())
    return path.stat().st_size
