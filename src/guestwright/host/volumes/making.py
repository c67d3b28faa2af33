"""What all verbs that make a volume have in common: locked while it is made, then legal, or gone.

Steps, each durable before the next: metadata (locked, held by the job), an empty file, its content,
metadata (legal; illegal where it has to be sealed first). A failure removes the volume. After a kill it is
locked: the job's next attempt takes it over and makes a new file, or it is removed (`recover`). The former
attempt, should it still be alive, writes to a file without a name, and what it wants to write to the
metadata is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from guestwright.base.record import replace
from guestwright.disk.failpoints import reached
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errors import NoSuchVolume, VolumeExists
from guestwright.host.volumes.metadata import Holder, Kind, Metadata, State, check
from guestwright.host.volumes.rules import finish, take_over
from guestwright.host.volumes.source import check_content


@contextmanager
def making(
    domain: Domain,
    volume: Metadata,
    holder: Holder,
    *,
    kind: Kind = Kind.LEAF,
    seal: bool = False,
    first: Callable[[], object] = lambda: None,
) -> Iterator[int]:
    """Make a volume around the block, which fills the file.

    Args:
        domain: where.
        volume: locked, held by `holder`.
        holder: the job.
        kind: what it is once it is legal.
        seal: it must be sealed before it is legal: it is illegal as soon as it is whole.
        first: called under the lock of the domain, before anything is written; may refuse.

    Yields:
        The descriptor of its empty file.

    Raises:
        VolumeExists, VolumeHeld, StorageFull: it was not made, nothing is left.
    """
    check(volume)
    fd = -1
    try:
        with domain.changing():
            first()
            _begin(domain, volume, holder)
            fd = domain.make_data(volume)  # under the lock: a former attempt that is only slow comes too late
        reached("volume-begun")
        yield fd
        with domain.files.sound("flushing"):
            os.fsync(fd)
        check_content(domain, volume, fd)
        domain.files.flush()
        reached("volume-filled")
        domain.change(volume.id, lambda now: replace(finish(now, holder, seal=seal), kind=kind))
    except BaseException:
        domain.abandon(volume.id, holder)
        raise
    finally:
        if fd >= 0:
            os.close(fd)
    reached("volume-legal")


def made_before(domain: Domain, volume: str, holder: Holder) -> Metadata | None:
    """The volume, if an earlier attempt of the job has made it."""
    try:
        found = domain.read(volume)
    except NoSuchVolume:
        return None
    return found if found.made == holder.job and found.state is not State.LOCKED else None


def _begin(domain: Domain, volume: Metadata, holder: Holder) -> None:
    try:
        former = domain.read(volume.id)
    except NoSuchVolume:
        domain.add(volume)
        return
    now = former.holder
    if now is None or (now.job, now.verb) != (holder.job, holder.verb):
        raise VolumeExists(volume=volume.id)
    domain.write(take_over(former, holder))
