"""What has to happen to a recorded volume so that it stands as a host says. Pure."""

from __future__ import annotations

from typing import Final

from guestwright.engine.inventory.errors import NotAllowedNow
from guestwright.engine.inventory.machine import Standing as Recorded
from guestwright.engine.inventory.states import VOLUME, Sealing, VolumeEvent, VolumeKind, VolumeState
from guestwright.engine.templates.host_port import Standing

_KINDS: Final = {Standing.LEGAL: VolumeKind.LEAF, Standing.SHARED: VolumeKind.SHARED}


def begins(*, seal: bool, shared: bool) -> tuple[VolumeState, VolumeKind, Sealing]:
    """The standing of a volume that is going to be made.

    Args:
        seal: whether it will be sealed before anybody may use it.
        shared: whether it is a template's.
    """
    if seal:
        return VolumeState.LOCKED, VolumeKind.LEAF, Sealing.WANTED
    return VolumeState.LOCKED, VolumeKind.SHARED if shared else VolumeKind.LEAF, Sealing.NONE


def event_to(recorded: Recorded, standing: Standing, *, sealed: bool) -> VolumeEvent | None:
    """What happened to a volume that now stands like this; None when it is recorded so already.

    Args:
        recorded: how it stands in the inventory.
        standing: how the host says that it stands.
        sealed: whether it was sealed.

    Raises:
        NotAllowedNow: the table of states has no way there, as for a volume that must be sealed and was not.
    """
    if _fits(recorded, standing, sealed=sealed):
        return None
    for (before, event), after in VOLUME.moves.items():
        if before == recorded and _fits(after, standing, sealed=sealed):
            return VolumeEvent(event)
    said = f"{standing}, sealed" if sealed else f"{standing}, not sealed"
    raise NotAllowedNow(
        what="volume", event=said, standing=", ".join(recorded), possible="look at the volume on its host"
    )


def _fits(recorded: Recorded, standing: Standing, *, sealed: bool) -> bool:
    state, kind, sealing = recorded
    if standing is Standing.ILLEGAL:
        return state == VolumeState.ILLEGAL
    done = sealing == Sealing.DONE or not sealed
    return state == VolumeState.LEGAL and kind == _KINDS[standing] and done
