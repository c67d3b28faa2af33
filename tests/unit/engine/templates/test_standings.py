"""What hosts say of volumes leads to no disk that is legal and unsealed, whatever is recorded."""

from __future__ import annotations

import pytest

from guestwright.engine.inventory.errors import NotAllowedNow
from guestwright.engine.inventory.machine import Standing as Recorded
from guestwright.engine.inventory.states import VOLUME, Sealing, VolumeKind, VolumeState
from guestwright.engine.templates.host_port import Standing
from guestwright.engine.templates.standings import begins, event_to

_V, _K, _S = VolumeState, VolumeKind, Sealing
ALL = sorted(VOLUME.initial | set(VOLUME.moves.values()))


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("recorded", ALL, ids="-".join)
def test_a_volume_stands_as_said_or_the_table_refuses(
    recorded: Recorded, standing: Standing, sealed: bool
) -> None:
    try:
        event = event_to(recorded, standing, sealed=sealed)
    except NotAllowedNow:
        assert standing is not Standing.ILLEGAL
        return
    after = recorded if event is None else VOLUME.after(recorded, event)
    assert after[0] == ("illegal" if standing is Standing.ILLEGAL else "legal")
    assert after[0] != "legal" or after[2] != "wanted"
    if sealed and standing is not Standing.ILLEGAL:
        assert after[2] == "done"


@pytest.mark.parametrize(
    ("seal", "shared", "said"),
    [
        (True, True, [(Standing.ILLEGAL, False), (Standing.ILLEGAL, False), (Standing.SHARED, True)]),
        (False, True, [(Standing.SHARED, False)]),
        (True, False, [(Standing.ILLEGAL, False), (Standing.LEGAL, True)]),
        (False, False, [(Standing.LEGAL, False)]),
    ],
)
def test_the_ways_that_jobs_go(seal: bool, shared: bool, said: list[tuple[Standing, bool]]) -> None:
    standing: Recorded = begins(seal=seal, shared=shared)
    for one, sealed in said:
        event = event_to(standing, one, sealed=sealed)
        if event is not None:
            standing = VOLUME.after(standing, event)
        assert event_to(standing, one, sealed=sealed) is None  # said again
    assert standing == (_V.LEGAL, _K.SHARED if shared else _K.LEAF, _S.DONE if seal else _S.NONE)
