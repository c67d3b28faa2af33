"""Verb: how much room a volume takes, and how much a copy of it would."""

from __future__ import annotations

import json
import os

from guestwright.base.record import record
from guestwright.host.jobs.kind import Work
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errand import qemu_img
from guestwright.host.volumes.errors import ToolFailed
from guestwright.host.volumes.metadata import Format
from guestwright.host.volumes.rules import must_be_legal
from guestwright.host.volumes.source import reading


@record
class Measure:
    """Sizes, all in bytes.

    Attributes:
        size: of the disk.
        file_size: of its file.
        allocated: what its file takes on the storage.
        required: what a copy would take now, at most; 0 if it was not asked for.
        fully_allocated: what a copy could grow to; 0 likewise.
    """

    size: int
    file_size: int
    allocated: int
    required: int = 0
    fully_allocated: int = 0


def measure(domain: Domain, volume: str, target: Format | None, work: Work) -> Measure:
    """Measure a volume, and what a copy of it in another format needs (qemu-img(1), measure).

    Raises:
        NoSuchVolume, WrongState, VolumeHeld, VolumeDamaged, ToolFailed: it cannot be measured.
    """
    found = domain.read(volume)
    must_be_legal(found)
    fd = domain.open_data(found)
    try:
        info = os.fstat(fd)
    finally:
        os.close(fd)
    plain = Measure(size=found.size, file_size=info.st_size, allocated=info.st_blocks * 512)
    if target is None:
        return plain
    with reading(domain, found, locked=False) as source:
        arguments = ["measure", "--output=json", "-f", str(found.format), "-O", str(target), source.paths[0]]
        _, out = qemu_img(arguments, work, read=source.paths)
    try:
        body = json.loads(out)
        return Measure(
            size=plain.size,
            file_size=plain.file_size,
            allocated=plain.allocated,
            required=int(body["required"]),
            fully_allocated=int(body["fully-allocated"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ToolFailed(tool="qemu-img measure", detail="it answered nonsense") from error
