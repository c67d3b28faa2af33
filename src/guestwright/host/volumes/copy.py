"""Verb: copy a volume, within a domain or to another, into the same format or another, flat."""

from __future__ import annotations

from guestwright.base.record import record
from guestwright.disk.failpoints import reached
from guestwright.host.jobs.kind import Work
from guestwright.host.volumes import content
from guestwright.host.volumes.content import Copied, Method
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errand import qemu_img
from guestwright.host.volumes.errors import BadVolume
from guestwright.host.volumes.making import made_before, making
from guestwright.host.volumes.metadata import Format, Holder, Kind, Metadata, State
from guestwright.host.volumes.rules import must_be_legal
from guestwright.host.volumes.source import Source, reading

VERB = "copy"


@record
class Copy:
    """What to copy.

    Attributes:
        source: id of the volume to copy.
        volume: id of the copy.
        format: of the copy; None keeps it.
        kind: of the copy.
        description: for people.
        seal: it must be sealed before anybody may use it: illegal from the moment in which it is whole.
    """

    source: str
    volume: str
    format: Format | None = None
    kind: Kind = Kind.LEAF
    description: str = ""
    seal: bool = False


def copy(
    source: Domain, target: Domain, wanted: Copy, work: Work, *, now: float, clone: bool = True
) -> tuple[Metadata, Copied]:
    """Copy a volume. What stands on a parent becomes whole. The source may be read, not written, meanwhile.

    Args:
        source: domain of the one.
        target: domain of the other.
        wanted: what.
        work: the job.
        now: seconds since 1970.
        clone: share blocks if the file system can.

    Returns:
        The copy, legal unless it has to be sealed, and how it was made.

    Raises:
        NoSuchVolume, WrongState, VolumeHeld, VolumeDamaged: of the source.
        ImageInUse: a machine runs on the source.
        VolumeExists, BadVolume, StorageFull: of the copy; nothing is left of it.
    """
    if wanted.seal and wanted.kind is Kind.SHARED:
        raise BadVolume(volume=wanted.volume, problem="what is to be sealed is a leaf until then")
    holder = Holder(job=work.job.id, attempt=work.job.attempt, verb=VERB)
    if (before := made_before(target, wanted.volume, holder)) is not None:
        return before, Copied(Method.EARLIER, 0)
    volume = source.read(wanted.source)
    must_be_legal(volume)
    made = _begun(volume, wanted, holder, now)
    as_it_is = made.format is volume.format and not volume.parent
    with (
        reading(source, volume, locked=as_it_is) as readable,
        making(target, made, holder, kind=wanted.kind, seal=wanted.seal) as fd,
    ):
        if as_it_is:
            with target.files.sound("copying"):
                copied = content.copy(readable.fd, fd, work, clone=clone)
        else:
            copied = _convert(readable, target, made, work)
        reached("volume-copied")
    return target.read(made.id), copied


def _begun(volume: Metadata, wanted: Copy, holder: Holder, now: float) -> Metadata:
    return Metadata(
        id=wanted.volume,
        kind=Kind.LEAF,
        state=State.LOCKED,
        format=wanted.format or volume.format,
        size=volume.size,
        description=wanted.description,
        created=now,
        holder=holder,
        made=holder.job,
    )


def _convert(source: Source, target: Domain, made: Metadata, work: Work) -> Copied:
    path = target.data_path(made)
    arguments = [
        "convert",
        "-p",
        "-f",
        str(source.volume.format),
        "-O",
        str(made.format),
        source.paths[0],
        path,
    ]
    qemu_img(arguments, work, read=source.paths, write=(path,))
    return Copied(Method.CONVERT, 0)
