"""Verb: list what lies in a domain and nobody can use, for an operator or an engine to clean up."""

from __future__ import annotations

import stat
from collections.abc import Collection
from enum import StrEnum

from guestwright.base.record import record
from guestwright.disk.redo_names import SUFFIX as REDO
from guestwright.host.volumes.directory import NEW
from guestwright.host.volumes.domain import DELETED, LOCK, MARK, METADATA, PARTS, Domain
from guestwright.host.volumes.errors import VolumeError
from guestwright.host.volumes.metadata import Metadata, State


class Finding(StrEnum):
    """What is wrong with a file or a volume."""

    ILLEGAL = "illegal"
    ABANDONED = "abandoned"
    UPLOAD = "upload"
    UNREADABLE = "unreadable"
    NO_CONTENT = "no-content"
    NO_METADATA = "no-metadata"
    INTERRUPTED_SEAL = "interrupted-seal"
    DELETED = "half-deleted"
    LEFTOVER = "leftover"
    FOREIGN = "foreign"


@record
class Item:
    """Something to clean up.

    Attributes:
        name: of the volume; of the file where there is no volume.
        finding: what it is.
        detail: one line for a person.
        size: bytes that it takes on the storage.
    """

    name: str
    finding: Finding
    detail: str
    size: int


def listing(domain: Domain, jobs: Collection[str] = ()) -> list[Item]:
    """Everything that is neither a volume in order nor part of one. Nothing is changed.

    Args:
        domain: where to look.
        jobs: ids of the jobs that are alive: what they hold is in order.
    """
    names = domain.files.names()
    there = frozenset(names)
    found = []
    for name in names:
        if name in {LOCK, MARK}:
            continue
        item = _item(domain, name, there, jobs)
        if item is not None:
            found.append(item)
    return found


def _item(domain: Domain, name: str, there: frozenset[str], jobs: Collection[str]) -> Item | None:
    info = domain.files.look(name)
    if info is None:
        return None
    size = info.st_blocks * 512
    if not stat.S_ISREG(info.st_mode):
        return Item(name=name, finding=Finding.FOREIGN, detail="a link or something else than a file", size=0)
    if name.startswith(".") and name.endswith(NEW):
        return Item(name=name, finding=Finding.LEFTOVER, detail="of a write that was interrupted", size=size)
    if name.endswith(DELETED):
        return Item(name=name, finding=Finding.DELETED, detail="the next start deletes the rest", size=size)
    if name.endswith(METADATA):
        return _volume(domain, name.removesuffix(METADATA), jobs)
    end = next((one for one in PARTS if name.endswith(one)), None)
    if end is None:
        return Item(name=name, finding=Finding.FOREIGN, detail="no part of a volume", size=size)
    if name.removesuffix(end) + METADATA not in there:
        if name.removesuffix(end) + DELETED in there:
            return None
        return Item(name=name, finding=Finding.NO_METADATA, detail="part of no volume", size=size)
    if end.endswith(REDO):
        detail = "its next opening finishes or discards a change"
        return Item(name=name, finding=Finding.INTERRUPTED_SEAL, detail=detail, size=size)
    return None


def _volume(domain: Domain, name: str, jobs: Collection[str]) -> Item | None:
    try:
        volume = domain.read(name)
        info = domain.files.look(domain.data_name(volume))
    except VolumeError as error:
        return Item(name=name, finding=Finding.UNREADABLE, detail=error.message, size=0)
    size = info.st_blocks * 512 if info else 0
    finding, detail = _judge(volume, jobs)
    if finding is None and info is None:
        finding, detail = Finding.NO_CONTENT, "its file is missing"
    return Item(name=name, finding=finding, detail=detail, size=size) if finding is not None else None


def _judge(volume: Metadata, jobs: Collection[str]) -> tuple[Finding | None, str]:
    holder = volume.holder
    if holder is not None and holder.job in jobs:
        return None, ""
    if holder is not None and volume.upload is not None:
        return Finding.UPLOAD, f"an upload that was not finished, ticket {holder.job}"
    if holder is not None:
        return Finding.ABANDONED, f"{holder.verb} of job {holder.job}, which is not alive"
    if volume.state is State.ILLEGAL:
        return Finding.ILLEGAL, f"not fit for use ({volume.reason})"
    return None, ""
