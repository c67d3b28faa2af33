"""By which steps a volume gets from one state to the next. Pure: a volume in, the changed volume out.

    (nothing) --begin--> locked --finish--> legal --mark_sealing--> illegal --sealed--> legal, shared
                            |                ^  |                     | ^  |
                            |                |  +----- update -----+  | |  +--sealed--> illegal (sealed)
                            |                +------- update ------+  | +--mark_sealing-- illegal
                            +--finish--> illegal (seal-awaited)       +--unsealed--> illegal (seal-unfinished)

Rules of vdsm (SDM.update_volume): the generation that the caller expects must be the present one and rises
with each change; a leaf can become shared if it has no parent, never the reverse; a change of legality must
be one. And of our own: what a job holds, only that job in its present attempt changes; a volume that was
made to be sealed, or whose sealing did not come to its end, is legal only after it was sealed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from guestwright.base.record import record, replace
from guestwright.host.volumes.errors import (
    BadVolume,
    GenerationMismatch,
    VolumeHeld,
    WrongState,
)
from guestwright.host.volumes.metadata import (
    GENERATION_MAX,
    Holder,
    Kind,
    Metadata,
    Reason,
    State,
    check,
)

_UNSEALED: Final = frozenset((Reason.AWAITED, Reason.SEALING, Reason.UNSEALED))


class Standing(StrEnum):
    """How a volume shall stand: not fit for use, fit for one machine, or shared by many."""

    ILLEGAL = "illegal"
    LEGAL = "legal"
    SHARED = "shared"


@record
class Update:
    """What `update` is to change; None leaves as it is.

    Attributes:
        legal: whether it shall be fit for use.
        shared: True makes a leaf shared; False is refused.
        description: for people.
        generation: the new one; the next is taken otherwise. A much higher one fences off who still expects
            the present one.
    """

    legal: bool | None = None
    shared: bool | None = None
    description: str | None = None
    generation: int | None = None


def finish(volume: Metadata, holder: Holder, *, seal: bool = False) -> Metadata:
    """A volume that its holder has made.

    Args:
        volume: as it is.
        holder: who made it.
        seal: it must be sealed before anybody may use it: it becomes illegal, and legal by sealing only.

    Raises:
        VolumeHeld, WrongState: it is not the holder's to finish.
    """
    _must_hold(volume, holder)
    if volume.state is not State.LOCKED:
        raise WrongState(volume=volume.id, state=volume.state, problem="it is not being made")
    state, reason = (State.ILLEGAL, Reason.AWAITED) if seal else (State.LEGAL, Reason.NONE)
    return _next(replace(volume, state=state, holder=None, upload=None, reason=reason))


def update(volume: Metadata, expected: int, wanted: Update) -> Metadata:
    """Change attributes.

    Args:
        volume: as it is.
        expected: the generation that the caller has seen.
        wanted: see `Update`.

    Raises:
        GenerationMismatch, VolumeHeld, WrongState, BadVolume: it cannot be.
    """
    check_generation(volume, expected)
    must_be_free(volume)
    if wanted == Update():
        raise BadVolume(volume=volume.id, problem="an update that changes nothing")
    changed = volume
    if wanted.legal is not None:
        changed = _with_legality(changed, legal=wanted.legal)
    if wanted.shared is not None:
        changed = _shared(changed, shared=wanted.shared)
    if wanted.description is not None:
        changed = replace(changed, description=wanted.description)
    if wanted.generation is None:
        return _next(changed)
    if not volume.generation < wanted.generation <= GENERATION_MAX:
        raise BadVolume(volume=volume.id, problem=f"generation {wanted.generation}: it can only rise")
    return check(replace(changed, generation=wanted.generation))


def stand(volume: Metadata, wanted: Standing) -> Metadata:
    """A volume that stands as wanted; the same one if it does already.

    Raises:
        VolumeHeld, WrongState: it cannot be.
    """
    must_be_free(volume)
    legal = wanted is not Standing.ILLEGAL
    changed = volume
    if (volume.state is State.LEGAL) != legal:
        changed = _with_legality(changed, legal=legal)
    if wanted is Standing.SHARED and volume.kind is not Kind.SHARED:
        changed = _shared(changed, shared=True)
    if wanted is Standing.LEGAL and volume.kind is Kind.SHARED:
        raise WrongState(volume=volume.id, state=_words(volume), problem="what is shared is no leaf again")
    return volume if changed == volume else _next(changed)


def mark_sealing(volume: Metadata, holder: Holder, expected: int | None = None) -> Metadata:
    """A volume that is about to be sealed: illegal from here on.

    Raises:
        GenerationMismatch, VolumeHeld, WrongState: it cannot be sealed.
    """
    if expected is not None:
        check_generation(volume, expected)
    must_be_free(volume)
    if volume.state is State.LOCKED or volume.kind is not Kind.LEAF:
        raise WrongState(volume=volume.id, state=_words(volume), problem="only a leaf can be sealed")
    return _next(replace(volume, state=State.ILLEGAL, reason=Reason.SEALING, holder=holder, sealed=""))


def take_over(volume: Metadata, holder: Holder) -> Metadata:
    """The next attempt of the job that holds a volume takes it over; the former can change it no more.

    Raises:
        VolumeHeld: another job has it, or a later attempt.
    """
    now = volume.holder
    if now is None or (now.job, now.verb) != (holder.job, holder.verb) or now.attempt > holder.attempt:
        raise _held(volume)
    return volume if now == holder else _next(replace(volume, holder=holder))


def sealed(volume: Metadata, holder: Holder, *, shared: bool, legal: bool = True) -> Metadata:
    """A volume whose sealing is complete.

    Args:
        volume: as it is.
        holder: who sealed it.
        shared: it is to be a template's.
        legal: it is fit for use at once; otherwise it stays illegal until somebody declares it legal.

    Raises:
        VolumeHeld, WrongState: it is not the holder's.
    """
    _must_hold(volume, holder)
    if not legal:
        done = replace(volume, state=State.ILLEGAL, reason=Reason.SEALED, holder=None, sealed=holder.job)
        return _next(done)
    done = replace(volume, state=State.LEGAL, reason=Reason.NONE, holder=None, sealed=holder.job)
    return _next(_shared(done, shared=True) if shared else done)


def unsealed(volume: Metadata, holder: Holder) -> Metadata:
    """A volume whose sealing did not come to its end: it stays illegal, and nobody holds it.

    Raises:
        VolumeHeld: it is not the holder's.
    """
    _must_hold(volume, holder)
    return _next(replace(volume, state=State.ILLEGAL, reason=Reason.UNSEALED, holder=None))


def check_generation(volume: Metadata, expected: int) -> None:
    """Refuse a caller who has not seen the volume as it is.

    Raises:
        GenerationMismatch: so it is.
    """
    if volume.generation != expected:
        raise GenerationMismatch(volume=volume.id, found=volume.generation, expected=expected)


def must_be_free(volume: Metadata) -> None:
    """Refuse a volume that a job is at work on.

    Raises:
        VolumeHeld: so it is.
    """
    if volume.holder is not None:
        raise _held(volume)


def must_be_legal(volume: Metadata) -> None:
    """Refuse a volume that is not fit for use.

    Raises:
        VolumeHeld, WrongState: so it is.
    """
    must_be_free(volume)
    if volume.state is not State.LEGAL:
        raise WrongState(volume=volume.id, state=_words(volume), problem="it is not fit for use")


def _with_legality(volume: Metadata, *, legal: bool) -> Metadata:
    if (volume.state is State.LEGAL) == legal:
        raise WrongState(volume=volume.id, state=_words(volume), problem="so it is already")
    if legal and volume.reason in _UNSEALED:
        problem = "seal it again, or delete it; it may be half-sealed"
        if volume.reason is Reason.AWAITED:
            problem = "seal it, or delete it; it was made to be sealed first"
        raise WrongState(volume=volume.id, state=_words(volume), problem=problem)
    state, reason = (State.LEGAL, Reason.NONE) if legal else (State.ILLEGAL, Reason.DECLARED)
    return replace(volume, state=state, reason=reason)


def _shared(volume: Metadata, *, shared: bool) -> Metadata:
    if not shared or volume.kind is Kind.SHARED:
        problem = "a leaf can become shared, nothing else" if not shared else "so it is already"
        raise WrongState(volume=volume.id, state=_words(volume), problem=problem)
    if volume.parent:
        raise WrongState(volume=volume.id, state=_words(volume), problem=f"its parent is {volume.parent}")
    return replace(volume, kind=Kind.SHARED)


def _must_hold(volume: Metadata, holder: Holder) -> None:
    if volume.holder != holder:
        raise _held(volume)


def _held(volume: Metadata) -> VolumeHeld:
    now = volume.holder
    return VolumeHeld(volume=volume.id, job=now.job if now else "nobody", verb=now.verb if now else "idle")


def _next(volume: Metadata) -> Metadata:
    return check(replace(volume, generation=volume.generation + 1))


def _words(volume: Metadata) -> str:
    return (
        f"{volume.state} ({volume.reason}), {volume.kind}"
        if volume.reason
        else f"{volume.state}, {volume.kind}"
    )
