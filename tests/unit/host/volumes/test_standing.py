"""How volumes stand: from each state to each standing, and never legal before what had to be sealed was."""

from __future__ import annotations

import itertools

import pytest

from guestwright.base.record import replace
from guestwright.host.volumes.errors import VolumeError, VolumeHeld, WrongState
from guestwright.host.volumes.metadata import Format, Holder, Kind, Metadata, Reason, State
from guestwright.host.volumes.rules import (
    Standing,
    Update,
    finish,
    mark_sealing,
    sealed,
    stand,
    unsealed,
    update,
)

HOLDER = Holder(job="a", attempt=1, verb="copy")
LOCKED = Metadata(
    id="v",
    kind=Kind.LEAF,
    state=State.LOCKED,
    format=Format.QCOW2,
    size=512,
    generation=4,
    holder=HOLDER,
    made="a",
)
LEGAL = finish(LOCKED, HOLDER)
SHARED = replace(LEGAL, kind=Kind.SHARED)
DECLARED = stand(LEGAL, Standing.ILLEGAL)
AWAITED = finish(LOCKED, HOLDER, seal=True)
SEALING = mark_sealing(AWAITED, HOLDER)
UNSEALED = unsealed(SEALING, HOLDER)
SEALED = sealed(SEALING, HOLDER, shared=False, legal=False)
LAYER = replace(SEALED, parent="p")

CASES = {
    "legal-as-it-is": (LEGAL, Standing.LEGAL, (State.LEGAL, Kind.LEAF)),
    "legal-to-illegal": (LEGAL, Standing.ILLEGAL, (State.ILLEGAL, Kind.LEAF)),
    "legal-to-shared": (LEGAL, Standing.SHARED, (State.LEGAL, Kind.SHARED)),
    "shared-as-it-is": (SHARED, Standing.SHARED, (State.LEGAL, Kind.SHARED)),
    "shared-to-illegal": (SHARED, Standing.ILLEGAL, (State.ILLEGAL, Kind.SHARED)),
    "shared-to-a-leaf": (SHARED, Standing.LEGAL, WrongState),
    "declared-to-legal": (DECLARED, Standing.LEGAL, (State.LEGAL, Kind.LEAF)),
    "declared-to-shared": (DECLARED, Standing.SHARED, (State.LEGAL, Kind.SHARED)),
    "awaited-as-it-is": (AWAITED, Standing.ILLEGAL, (State.ILLEGAL, Kind.LEAF)),
    "awaited-to-legal": (AWAITED, Standing.LEGAL, WrongState),
    "awaited-to-shared": (AWAITED, Standing.SHARED, WrongState),
    "unsealed-to-legal": (UNSEALED, Standing.LEGAL, WrongState),
    "unsealed-to-shared": (UNSEALED, Standing.SHARED, WrongState),
    "sealed-as-it-is": (SEALED, Standing.ILLEGAL, (State.ILLEGAL, Kind.LEAF)),
    "sealed-to-legal": (SEALED, Standing.LEGAL, (State.LEGAL, Kind.LEAF)),
    "sealed-to-shared": (SEALED, Standing.SHARED, (State.LEGAL, Kind.SHARED)),
    "sealed-layer-to-legal": (LAYER, Standing.LEGAL, (State.LEGAL, Kind.LEAF)),
    "sealed-layer-to-shared": (LAYER, Standing.SHARED, WrongState),
    "while-it-is-made": (LOCKED, Standing.ILLEGAL, VolumeHeld),
    "while-it-is-sealed": (SEALING, Standing.ILLEGAL, VolumeHeld),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_standings(
    case: tuple[Metadata, Standing, tuple[State, Kind] | type[VolumeError]],
) -> None:
    volume, wanted, expected = case
    if isinstance(expected, tuple):
        found = stand(volume, wanted)
        assert (found.state, found.kind) == expected
        unchanged = (volume.state, volume.kind) == expected
        assert found.generation == volume.generation + (0 if unchanged else 1)
        assert stand(found, wanted) == found
    else:
        with pytest.raises(expected):
            stand(volume, wanted)


def test_an_update_makes_none_legal_that_had_to_be_sealed() -> None:
    with pytest.raises(WrongState, match="made to be sealed"):
        update(AWAITED, AWAITED.generation, Update(legal=True))
    assert (AWAITED.reason, SEALED.reason) == (Reason.AWAITED, Reason.SEALED)
    assert SEALED.sealed == HOLDER.job


@pytest.mark.parametrize("steps", list(itertools.product(Standing, repeat=3)), ids="-".join)
def test_no_way_of_marking_makes_an_unsealed_one_legal(steps: tuple[Standing, ...]) -> None:
    for start in (AWAITED, UNSEALED):
        volume = start
        for wanted in steps:
            try:
                volume = stand(volume, wanted)
            except WrongState:
                continue
        assert volume == start
