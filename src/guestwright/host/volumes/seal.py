"""Verb: seal the images of one machine together, so that they can be a template's disks.

Theory of operation (DESIGN: States; oVirt's AddVmTemplate does the same in four commands): all volumes are
marked illegal, each durably; their images are sealed in one transaction of the redo log, all or nothing;
then each is marked legal, and shared. So at no moment is a volume both legal and half-sealed, or unsealed
and shared. After a kill the job's next attempt finishes: if any of the volumes is marked as sealed by this
job, or the job has noted that the images were, only marks are missing; otherwise the images are sealed
again. That does no harm: only operations without effects beyond the images run, and each leaves alone what
is sealed already. What cannot be finished stays illegal, and can be sealed again, or deleted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from guestwright.base.record import field, record
from guestwright.disk.failpoints import reached
from guestwright.host.jobs.errors import Fenced, ServiceEnding
from guestwright.host.jobs.kind import Work
from guestwright.host.volumes import errand
from guestwright.host.volumes.domain import MANIFEST, Domain
from guestwright.host.volumes.errors import BadVolume, NoSuchVolume, VolumeError, WrongState
from guestwright.host.volumes.metadata import Holder, Kind, Metadata
from guestwright.host.volumes.rules import (
    check_generation,
    mark_sealing,
    must_be_free,
    sealed,
    take_over,
    unsealed,
)
from guestwright.host.volumes.source import below, check_content, unused
from guestwright.seal.registry import check_options, select

VERB: Final = "seal"
VOLUMES_MAX: Final = 64
_MANIFEST_MAX: Final = 64 << 20
_NOT_HERE: Final = frozenset({"customize", "script"})
"""Operations with effects that must not come twice, or beyond the images."""


@record
class Seal:
    """What to seal.

    Attributes:
        volumes: ids of all images of one machine, the boot disk first.
        generations: which the caller has seen, one for each volume; () for any.
        operations: names of operations as `seal run --operations` takes them; "" for the default ones.
        options: of operations, as in `seal.request.Request`.
        root: id of the root file system; "" for the only one.
        shared: make them shared. Otherwise they stay leaves, and may have parents.
        legal: make them legal. Otherwise they stay illegal until somebody declares them legal.
    """

    volumes: tuple[str, ...]
    generations: tuple[int, ...] = ()
    operations: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    root: str = ""
    shared: bool = True
    legal: bool = True


def seal(domain: Domain, wanted: Seal, work: Work) -> dict[str, Any]:
    """Seal volumes, all or nothing.

    Args:
        domain: where they are.
        wanted: what.
        work: the job. Its state says, after a kill, that the images are sealed.

    Returns:
        Totals of what was removed and written, the guest, notes; see docs/volumes.md.

    Raises:
        BadVolume, NoSuchVolume, WrongState, VolumeHeld, GenerationMismatch, HasChildren: nothing was touched.
        UsageError: no such operation or option; likewise.
        ImageInUse: likewise, if it was when it began.
        GuestwrightError: sealing failed; the volumes are illegal.
        JobError: it was cancelled; the volumes are illegal.
    """
    names = _operations(wanted)
    holder = Holder(job=work.job.id, attempt=work.job.attempt, verb=VERB)
    try:
        before = _mark(domain, wanted, holder)
        reached("volume-seal-marked")
        summary = _former(domain, before, work)
        if summary is None:
            summary = _seal(domain, wanted, names, work)
            reached("volume-seal-ran")
            work.save({"sealed": summary})
        reached("volume-seal-noted")
        for volume in wanted.volumes:
            domain.change(volume, lambda now: _done(now, holder, wanted))
            reached("volume-seal-one-legal")
    except (Fenced, ServiceEnding):
        raise  # the next attempt goes on
    except BaseException:
        _give_up(domain, wanted, holder)
        raise
    return summary


def undo(domain: Domain, wanted: Seal, work: Work) -> None:
    """What a killed attempt held, nobody holds any more; what is not sealed stays illegal."""
    _give_up(domain, wanted, Holder(job=work.job.id, attempt=work.job.attempt, verb=VERB))


def _operations(wanted: Seal) -> tuple[str, ...]:
    names = wanted.volumes
    if wanted.shared and not wanted.legal:
        raise BadVolume(volume=", ".join(names)[:80], problem="what is illegal is not shared")
    if not 0 < len(names) <= VOLUMES_MAX or len(set(names)) != len(names):
        raise BadVolume(
            volume=", ".join(names)[:80], problem=f"1 to {VOLUMES_MAX} different volumes are sealed"
        )
    if wanted.generations and len(wanted.generations) != len(names):
        raise BadVolume(volume=names[0], problem="one generation for each volume, or none at all")
    chosen = select(operations=(wanted.operations,) if wanted.operations else ())
    found = tuple(one.name for one in chosen)
    if wanted.operations and not _NOT_HERE.isdisjoint(found):
        problem = f"{' and '.join(sorted(_NOT_HERE))} cannot be had here"
        raise BadVolume(volume=names[0], problem=problem)
    check_options(wanted.options, [one for one in chosen if one.name not in _NOT_HERE])
    return tuple(name for name in found if name not in _NOT_HERE)


def _mark(domain: Domain, wanted: Seal, holder: Holder) -> list[Metadata]:
    """Mark all volumes illegal, or take them over; as they were found."""
    with domain.changing():
        found = [domain.read(volume) for volume in wanted.volumes]
        ours = [one.sealed == holder.job or _is_ours(one, holder) for one in found]
        for number, volume in enumerate(found):
            if not ours[number]:
                _check(domain, volume, wanted, number)
        for volume, mine in zip(found, ours, strict=True):
            if mine and volume.sealed == holder.job:
                continue
            domain.write(take_over(volume, holder) if mine else mark_sealing(volume, holder))
            reached("volume-seal-one-illegal")
    return found


def _is_ours(volume: Metadata, holder: Holder) -> bool:
    now = volume.holder
    return now is not None and (now.job, now.verb) == (holder.job, holder.verb)


def _check(domain: Domain, volume: Metadata, wanted: Seal, number: int) -> None:
    """Refuse before anything is marked."""
    must_be_free(volume)
    if wanted.generations:
        check_generation(volume, wanted.generations[number])
    if volume.kind is not Kind.LEAF:
        raise WrongState(volume=volume.id, state=volume.kind, problem="only a leaf can be sealed")
    if volume.parent and wanted.shared:
        problem = f"it stands on {volume.parent}, and so cannot become shared"
        raise WrongState(volume=volume.id, state=volume.state, problem=problem)
    domain.check_childless(volume.id)
    with unused(domain, volume):
        pass  # a machine that runs on it would otherwise find its disk illegal


def _former(domain: Domain, before: Sequence[Metadata], work: Work) -> dict[str, Any] | None:
    """The result of an earlier attempt that has sealed the images; None if there was none."""
    state = work.job.state
    if isinstance(state, dict) and isinstance(state.get("sealed"), dict):
        return dict(state["sealed"])
    first = before[0].id
    try:
        body = json.loads(domain.files.read(first + MANIFEST, _MANIFEST_MAX, volume=first))
        if body["job"] == work.job.id:
            return _summary(body)  # it is written once the images are sealed
    except (VolumeError, ValueError, KeyError, TypeError):
        pass
    return {} if any(one.sealed == work.job.id for one in before) else None


def _seal(domain: Domain, wanted: Seal, names: tuple[str, ...], work: Work) -> dict[str, Any]:
    volumes = [domain.read(volume) for volume in wanted.volumes]
    for volume in volumes:
        _check_image(domain, volume)
    order = {
        "do": "seal",
        "paths": [domain.data_path(volume) for volume in volumes],
        "backing": any(volume.parent for volume in volumes),
        "operations": list(names),
        "options": dict(wanted.options),
        "root": wanted.root,
    }
    body = {**errand.run(order, work), "job": work.job.id}
    domain.files.write(volumes[0].id + MANIFEST, json.dumps(body).encode())
    return _summary(body)


def _check_image(domain: Domain, volume: Metadata) -> None:
    fd = domain.open_data(volume)
    try:
        check_content(domain, volume, fd)
    finally:
        os.close(fd)
    below(domain, volume)


def _summary(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the job's result tells; the whole manifest lies beside the first image."""
    return {
        "run": str(body["run"]),
        "guest": str(body["guest"]["os"])[:200],
        "totals": dict(body["totals"]),
        "bytes_written": int(body["bytes_written"]),
        "notes": [str(note)[:200] for note in body["notes"][:20]],
    }


def _done(volume: Metadata, holder: Holder, wanted: Seal) -> Metadata:
    if volume.sealed == holder.job and volume.holder is None:
        return volume
    return sealed(volume, holder, shared=wanted.shared, legal=wanted.legal)


def _give_up(domain: Domain, wanted: Seal, holder: Holder) -> None:
    with domain.changing():
        for name in wanted.volumes:
            try:
                volume = domain.read(name)
            except NoSuchVolume:
                continue
            if (
                volume.holder is not None
                and _is_ours(volume, holder)
                and volume.holder.attempt <= holder.attempt
            ):
                domain.write(unsealed(volume, volume.holder))
