"""What a killed service left in a domain, settled when the next one starts, before its jobs do."""

from __future__ import annotations

from collections.abc import Collection

from guestwright.base.record import record
from guestwright.host.volumes.directory import NEW
from guestwright.host.volumes.domain import DELETED, METADATA, Domain
from guestwright.host.volumes.errors import VolumeError
from guestwright.host.volumes.metadata import State
from guestwright.host.volumes.rules import unsealed
from guestwright.host.volumes.upload import VERB as UPLOAD


@record
class Recovered:
    """What `recover` did: names of volumes.

    Attributes:
        deleted: whose deletion was completed.
        removed: that were half-made.
        illegal: whose sealing nobody finishes.
        uploads: that wait for the rest of their content.
        leftovers: files of interrupted writes that were removed.
        problems: what could not be settled, one line each.
    """

    deleted: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    illegal: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def recover(domain: Domain, jobs: Collection[str] = ()) -> Recovered:
    """Complete deletions; remove what was half-made; release what was being sealed. May be done again.

    Args:
        domain: of which no other service is at work.
        jobs: ids of the jobs that are going to go on: what they hold is left to them.
    """
    found: dict[str, list[str]] = {
        name: [] for name in ("deleted", "removed", "illegal", "uploads", "leftovers")
    }
    problems = []
    with domain.changing():
        for name in domain.files.names():
            try:
                _settle(domain, name, jobs, found)
            except VolumeError as error:
                problems.append(error.message)
    return Recovered(**{name: tuple(names) for name, names in found.items()}, problems=tuple(problems))


def _settle(domain: Domain, name: str, jobs: Collection[str], found: dict[str, list[str]]) -> None:
    if name.startswith(".") and name.endswith(NEW):
        domain.files.forget(name)
        found["leftovers"].append(name)
    elif name.endswith(DELETED):
        domain.finish_drop(name.removesuffix(DELETED))
        found["deleted"].append(name.removesuffix(DELETED))
    elif name.endswith(METADATA):
        volume = domain.read(name.removesuffix(METADATA))
        if volume.holder is None or volume.holder.job in jobs:
            return
        if volume.holder.verb == UPLOAD:
            found["uploads"].append(volume.id)
        elif volume.state is State.LOCKED:
            domain.drop(volume.id)
            found["removed"].append(volume.id)
        else:
            domain.write(unsealed(volume, volume.holder))
            found["illegal"].append(volume.id)
