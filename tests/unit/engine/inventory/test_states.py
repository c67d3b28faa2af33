"""The tables of states: complete, closed, and never legal and unsealed."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.inventory import states
from guestwright.engine.inventory.errors import NotAllowedNow
from guestwright.engine.inventory.machine import Machine
from guestwright.engine.inventory.states import (
    PayloadEvent,
    Power,
    PowerEvent,
    Sealing,
    SysprepState,
    TemplateEvent,
    VolumeEvent,
    VolumeKind,
    VolumeState,
)

MACHINES = [one for one in vars(states).values() if isinstance(one, Machine)]
MEMBERS = [
    (states.TEMPLATE, states.TemplateState),
    (states.VM, states.VmState),
    (states.POWER, Power),
    (states.HOST, states.HostState),
    (states.STORAGE, states.HostState),
    (states.PAYLOAD, states.PayloadState),
    (states.SYSPREP, SysprepState),
]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda one: one.name)
def test_every_row_can_be_reached_and_every_thing_can_end(machine: Machine) -> None:
    assert {start for start, _ in machine.moves} <= machine.standings
    assert machine.removable & machine.standings
    ends = {one: {one} for one in machine.standings}
    for _ in machine.standings:
        for (start, _event), end in machine.moves.items():
            ends[start] |= ends[end]
    stuck = [one for one, reached in ends.items() if not reached & machine.removable]
    assert not stuck


@pytest.mark.parametrize(("machine", "members"), MEMBERS, ids=[one.name for one, _ in MEMBERS])
def test_every_state_has_its_place(machine: Machine, members: type[StrEnum]) -> None:
    assert machine.standings == {(one,) for one in members}


def test_no_standing_is_legal_and_unsealed() -> None:
    assert (VolumeState.LEGAL, VolumeKind.LEAF, Sealing.WANTED) not in states.VOLUME.standings
    assert not [one for one in states.VOLUME.standings if one[0] == "legal" and one[2] == "wanted"]


@given(
    start=st.sampled_from(sorted(states.VOLUME.initial)),
    events=st.lists(st.sampled_from(VolumeEvent), max_size=20),
)
def test_whatever_happens_a_volume_that_must_be_sealed_is_legal_only_after_that(
    start: tuple[str, ...], events: list[VolumeEvent]
) -> None:
    at, must, was = start, start[2] == "wanted", False
    for event in events:
        try:
            at = states.VOLUME.after(at, event)
        except NotAllowedNow:
            continue
        must = must or event is VolumeEvent.SEAL_WANTED
        was = was or event in (VolumeEvent.SEALED, VolumeEvent.SEALED_LEAF)
        assert at[0] != "legal" or not must or was


def test_a_shared_volume_never_becomes_a_leaf() -> None:
    assert not [
        one for (one, _), end in states.VOLUME.moves.items() if one[1] == "shared" and end[1] == "leaf"
    ]


@pytest.mark.parametrize("power", Power)
def test_the_hypervisors_word_is_true_whatever_was_thought(power: Power) -> None:
    assert states.POWER.after((power,), PowerEvent.SEEN_RUNNING) == (Power.RUNNING,)
    assert states.POWER.after((power,), PowerEvent.LOST) == (Power.UNKNOWN,)


def test_a_sysprep_only_goes_on() -> None:
    order = list(SysprepState)
    for (start,), event in states.SYSPREP.moves:
        assert order.index(SysprepState(event)) > order.index(SysprepState(start))
    assert not [one for one in states.SYSPREP.moves if one[0] in {("vm-down",), ("failed",)}]


def test_a_refusal_says_what_is_possible() -> None:
    with pytest.raises(NotAllowedNow) as refused:
        states.PAYLOAD.after(("consumed",), PayloadEvent.SEEN)
    assert refused.value.message == "payload: 'seen' is not possible while it is consumed"
    assert refused.value.advice == "possible now: failed, scrubbed"
    with pytest.raises(NotAllowedNow) as refused:
        states.SYSPREP.after(("failed",), SysprepState.DOWN)
    assert refused.value.advice == "possible now: nothing"
    with pytest.raises(NotAllowedNow):
        states.TEMPLATE.begin(("ready",))
    with pytest.raises(NotAllowedNow):
        states.TEMPLATE.end(("ready",))
    assert states.TEMPLATE.after(("locked",), TemplateEvent.UNLOCKED) == ("ready",)
