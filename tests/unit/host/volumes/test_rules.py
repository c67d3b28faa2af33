"""The states of a volume: single steps as a table, and any sequence of steps by chance."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from guestwright.base.record import replace
from guestwright.host.volumes.errors import (
    BadVolume,
    GenerationMismatch,
    VolumeError,
    VolumeHeld,
    WrongState,
)
from guestwright.host.volumes.metadata import (
    GENERATION_MAX,
    Format,
    Holder,
    Kind,
    Metadata,
    Reason,
    State,
    check,
)
from guestwright.host.volumes.rules import (
    Update,
    finish,
    mark_sealing,
    must_be_legal,
    sealed,
    take_over,
    unsealed,
    update,
)

HOLDER = Holder(job="a", attempt=1, verb="seal")
LATER = replace(HOLDER, attempt=2)
OTHER = replace(HOLDER, job="b")
LEGAL = Metadata(
    id="v", kind=Kind.LEAF, state=State.LEGAL, format=Format.QCOW2, size=512, generation=4, made="m"
)
LOCKED = replace(LEGAL, state=State.LOCKED, holder=HOLDER)
SEALING = mark_sealing(LEGAL, HOLDER)
UNSEALED = unsealed(SEALING, HOLDER)
DECLARED = update(LEGAL, 4, Update(legal=False))
SHARED = replace(LEGAL, kind=Kind.SHARED)
CHILD = replace(LEGAL, parent="p")

STEPS: dict[str, tuple[Callable[[], Metadata], dict[str, object] | type[VolumeError]]] = {
    "finish": (lambda: finish(LOCKED, HOLDER), {"state": State.LEGAL, "holder": None, "generation": 5}),
    "finish-by-another": (lambda: finish(LOCKED, OTHER), VolumeHeld),
    "finish-by-a-former-attempt": (lambda: finish(take_over(LOCKED, LATER), HOLDER), VolumeHeld),
    "finish-what-is-sealed": (lambda: finish(SEALING, HOLDER), WrongState),
    "illegal": (
        lambda: update(LEGAL, 4, Update(legal=False)),
        {"state": State.ILLEGAL, "reason": Reason.DECLARED, "generation": 5},
    ),
    "legal-again": (
        lambda: update(DECLARED, 5, Update(legal=True)),
        {"state": State.LEGAL, "reason": Reason.NONE, "generation": 6},
    ),
    "legal-twice": (lambda: update(LEGAL, 4, Update(legal=True)), WrongState),
    "illegal-twice": (lambda: update(DECLARED, 5, Update(legal=False)), WrongState),
    "half-sealed-made-legal": (
        lambda: update(UNSEALED, UNSEALED.generation, Update(legal=True)),
        WrongState,
    ),
    "shared": (lambda: update(LEGAL, 4, Update(shared=True)), {"kind": Kind.SHARED, "generation": 5}),
    "shared-twice": (lambda: update(SHARED, 4, Update(shared=True)), WrongState),
    "leaf-again": (lambda: update(SHARED, 4, Update(shared=False)), WrongState),
    "shared-with-parent": (lambda: update(CHILD, 4, Update(shared=True)), WrongState),
    "legal-and-shared": (
        lambda: update(DECLARED, 5, Update(legal=True, shared=True)),
        {"state": State.LEGAL, "kind": Kind.SHARED, "generation": 6},
    ),
    "nothing": (lambda: update(LEGAL, 4, Update()), BadVolume),
    "unseen": (lambda: update(LEGAL, 3, Update(description="x")), GenerationMismatch),
    "while-held": (lambda: update(LOCKED, 4, Update(description="x")), VolumeHeld),
    "generation": (lambda: update(LEGAL, 4, Update(generation=99)), {"generation": 99}),
    "generation-back": (lambda: update(LEGAL, 4, Update(generation=4)), BadVolume),
    "generation-too-high": (lambda: update(LEGAL, 4, Update(generation=GENERATION_MAX + 1)), BadVolume),
    "description": (lambda: update(LEGAL, 4, Update(description="x")), {"description": "x"}),
    "description-with-escapes": (lambda: update(LEGAL, 4, Update(description="\x1b")), BadVolume),
    "sealing": (
        lambda: mark_sealing(LEGAL, HOLDER, 4),
        {"state": State.ILLEGAL, "reason": Reason.SEALING, "holder": HOLDER, "generation": 5},
    ),
    "sealing-again": (lambda: mark_sealing(UNSEALED, OTHER), {"holder": OTHER}),
    "sealing-unseen": (lambda: mark_sealing(LEGAL, HOLDER, 3), GenerationMismatch),
    "sealing-what-is-shared": (lambda: mark_sealing(SHARED, HOLDER), WrongState),
    "sealing-what-is-held": (lambda: mark_sealing(SEALING, OTHER), VolumeHeld),
    "sealed": (
        lambda: sealed(SEALING, HOLDER, shared=True),
        {"state": State.LEGAL, "kind": Kind.SHARED, "holder": None, "sealed": "a", "reason": Reason.NONE},
    ),
    "sealed-as-leaf": (lambda: sealed(SEALING, HOLDER, shared=False), {"kind": Kind.LEAF}),
    "sealed-by-another": (lambda: sealed(SEALING, OTHER, shared=True), VolumeHeld),
    "sealed-by-a-former-attempt": (
        lambda: sealed(take_over(SEALING, LATER), HOLDER, shared=True),
        VolumeHeld,
    ),
    "unsealed": (
        lambda: unsealed(SEALING, HOLDER),
        {"state": State.ILLEGAL, "reason": Reason.UNSEALED, "holder": None},
    ),
    "taken-over-by-another": (lambda: take_over(SEALING, OTHER), VolumeHeld),
    "taken-over-from-nobody": (lambda: take_over(LEGAL, HOLDER), VolumeHeld),
    "taken-over-backwards": (lambda: take_over(take_over(SEALING, LATER), HOLDER), VolumeHeld),
}


@pytest.mark.parametrize("name", STEPS)
def test_step(name: str) -> None:
    step, wanted = STEPS[name]
    if isinstance(wanted, type):
        with pytest.raises(wanted):
            step()
        return
    after = step()
    assert {field: getattr(after, field) for field in wanted} == wanted


@pytest.mark.parametrize("volume", [LOCKED, SEALING, UNSEALED, DECLARED])
def test_what_is_not_fit_for_use(volume: Metadata) -> None:
    with pytest.raises(VolumeError):
        must_be_legal(volume)


class Life(RuleBasedStateMachine):
    """A volume, jobs of several attempts, and callers who saw some generation."""

    holders = st.builds(
        Holder, job=st.sampled_from("ab"), attempt=st.integers(1, 3), verb=st.sampled_from(["seal", "copy"])
    )

    def __init__(self) -> None:
        super().__init__()
        self.volume = replace(LOCKED, generation=0)
        self.seen = [0]
        self.unsealed = False

    def step(self, step: Callable[[Metadata], Metadata]) -> None:
        before = self.volume
        try:
            after = step(before)
        except VolumeError:
            return
        check(after)
        if after == before:
            return
        assert after.generation > before.generation
        assert not (before.kind is Kind.SHARED and after.kind is Kind.LEAF)
        if after.reason in {Reason.SEALING, Reason.UNSEALED}:
            self.unsealed = True
        self.volume = after
        self.seen.append(after.generation)

    @rule(holder=holders)
    def finishes(self, holder: Holder) -> None:
        ours = self.volume.holder == holder
        self.step(lambda now: finish(now, holder))
        assert ours or self.volume.holder != holder

    @rule(
        wanted=st.builds(
            Update,
            legal=st.sampled_from([None, True, False]),
            shared=st.sampled_from([None, True, False]),
            generation=st.one_of(st.none(), st.integers(0, 50)),
        ),
        seen=st.integers(0, 5),
    )
    def is_updated(self, wanted: Update, seen: int) -> None:
        self.step(lambda now: update(now, self.seen[-1 - seen % len(self.seen)], wanted))

    @rule(holder=holders)
    def is_marked(self, holder: Holder) -> None:
        self.step(lambda now: mark_sealing(now, holder))

    @rule(holder=holders)
    def is_taken_over(self, holder: Holder) -> None:
        self.step(lambda now: take_over(now, holder))

    @rule(holder=holders, shared=st.booleans())
    def is_sealed(self, holder: Holder, shared: bool) -> None:
        before = self.volume
        self.step(lambda now: sealed(now, holder, shared=shared))
        if self.volume is not before:
            assert before.holder == holder
            self.unsealed = False

    @rule(holder=holders)
    @precondition(lambda self: self.volume.state is State.ILLEGAL)
    def is_given_up(self, holder: Holder) -> None:
        self.step(lambda now: unsealed(now, holder))

    @invariant()
    def is_never_legal_and_half_sealed(self) -> None:
        check(self.volume)
        assert not (self.volume.state is State.LEGAL and self.unsealed)

    @invariant()
    def is_never_legal_and_held(self) -> None:
        assert self.volume.state is not State.LEGAL or self.volume.holder is None


TestLife = Life.TestCase
