"""Verb: create an empty volume, of its own or on top of another."""

from __future__ import annotations

import os

from guestwright.base.record import record, replace
from guestwright.disk.failpoints import reached
from guestwright.host.jobs.kind import Work
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errand import qemu_img
from guestwright.host.volumes.errors import BadVolume, WrongState
from guestwright.host.volumes.making import made_before, making
from guestwright.host.volumes.metadata import Format, Holder, Kind, Metadata, State
from guestwright.host.volumes.rules import must_be_legal

VERB = "create"


@record
class Create:
    """What to create.

    Attributes:
        volume: its id.
        format: of its content.
        size: of the disk, bytes; 0 takes the parent's.
        parent: id of a shared volume that it stands on; "" for none.
        description: for people.
        seal: it must be sealed before anybody may use it: illegal from the moment in which it is whole.
    """

    volume: str
    format: Format
    size: int = 0
    parent: str = ""
    description: str = ""
    seal: bool = False


def create(domain: Domain, wanted: Create, work: Work, *, now: float) -> Metadata:
    """Create a volume: a leaf, legal unless it has to be sealed. What another attempt began is made anew.

    Args:
        domain: where.
        wanted: what.
        work: the job.
        now: seconds since 1970.

    Raises:
        VolumeExists, BadVolume, NoSuchVolume, WrongState, VolumeHeld, StorageFull: nothing was created.
    """
    holder = Holder(job=work.job.id, attempt=work.job.attempt, verb=VERB)
    if (before := made_before(domain, wanted.volume, holder)) is not None:
        return before
    volume = Metadata(
        id=wanted.volume,
        kind=Kind.LEAF,
        state=State.LOCKED,
        format=wanted.format,
        size=wanted.size,
        parent=wanted.parent,
        description=wanted.description,
        created=now,
        holder=holder,
        made=holder.job,
    )
    parent = _parent(domain, wanted)
    if parent is not None:
        volume = replace(volume, size=wanted.size or parent.size)
    # Again under the lock: in between it could have been deleted, as it had no children yet.
    with making(domain, volume, holder, seal=wanted.seal, first=lambda: _parent(domain, wanted)) as fd:
        if volume.format is Format.RAW:
            with domain.files.sound("creating"):
                os.ftruncate(fd, volume.size)
        else:
            _qcow2(domain, volume, parent, work)
        reached("volume-create-filled")
    return domain.read(volume.id)


def _parent(domain: Domain, wanted: Create) -> Metadata | None:
    if not wanted.parent:
        return None
    parent = domain.read(wanted.parent)
    must_be_legal(parent)
    if parent.kind is not Kind.SHARED:
        raise WrongState(volume=parent.id, state=parent.kind, problem="only a shared volume can be a parent")
    if wanted.size and wanted.size < parent.size:
        problem = f"{wanted.size} bytes are less than its parent's {parent.size}"
        raise BadVolume(volume=wanted.volume, problem=problem)
    return parent


def _qcow2(domain: Domain, volume: Metadata, parent: Metadata | None, work: Work) -> None:
    path = domain.data_path(volume)
    # Relative to the image, as the domain may be mounted elsewhere; the parent is not opened (-u).
    backing = ["-u", "-b", domain.data_name(parent), "-F", str(parent.format)] if parent else []
    arguments = ["create", "-q", "-f", "qcow2", *backing, path, str(volume.size)]
    qemu_img(arguments, work, write=(path,))
