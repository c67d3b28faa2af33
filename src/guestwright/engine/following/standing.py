"""How a volume that a host tells of is recorded: as a way through the table of states. Pure.

Theory of operation: nothing is written as the host says it. The host's word is turned into events of the
table, of which none leads to legal and unsealed; a word to which no events lead is refused. Whether a volume
was sealed is believed only from a host that names the job that did it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from guestwright.engine.following.said import Volume
from guestwright.engine.inventory.errors import NotAllowedNow
from guestwright.engine.inventory.machine import Standing
from guestwright.engine.inventory.states import VOLUME, Sealing, VolumeEvent, VolumeKind, VolumeState

_SEALS: Final = frozenset((VolumeEvent.SEALED, VolumeEvent.SEALED_LEAF))
_SEALING: Final = frozenset(("sealing", "seal-unfinished"))


def begins(said: Volume) -> Standing:
    """With which standing a volume begins that was not known."""
    if said.sealed or said.reason in _SEALING:
        return VolumeState.LOCKED, VolumeKind.LEAF, Sealing.WANTED
    return VolumeState.LOCKED, said.kind, Sealing.NONE


def events_to(recorded: Standing, said: Volume) -> tuple[VolumeEvent, ...]:
    """What has happened to a recorded volume since, in order; nothing when it stands as the host says.

    Raises:
        NotAllowedNow: the table of states has no way there.
    """
    ways: deque[tuple[Standing, tuple[VolumeEvent, ...]]] = deque([(recorded, ())])
    seen = {recorded}
    while ways:
        standing, way = ways.popleft()
        if _fits(standing, said):
            return way
        for (before, event), after in VOLUME.moves.items():
            if before == standing and after not in seen and _believed(VolumeEvent(event), said):
                seen.add(after)
                ways.append((after, (*way, VolumeEvent(event))))
    words = f"{said.state}, {said.kind}, {'sealed' if said.sealed else 'not sealed'}"
    raise NotAllowedNow(
        what="volume", event=words, standing=", ".join(recorded), possible="look at it on its host"
    )


def _believed(event: VolumeEvent, said: Volume) -> bool:
    if event in _SEALS:
        return bool(said.sealed)
    return event is not VolumeEvent.SEAL_WANTED or said.reason in _SEALING


def _fits(standing: Standing, said: Volume) -> bool:
    state, kind, sealing = standing
    if said.state is VolumeState.ILLEGAL:
        return state == said.state and (sealing == Sealing.WANTED or said.reason not in _SEALING)
    if said.state is VolumeState.LOCKED:
        return state == said.state
    return state == said.state and kind == said.kind and (sealing == Sealing.DONE or not said.sealed)
