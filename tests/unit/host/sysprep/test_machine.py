"""The protocol: every way through it ends, and ends without a medium."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from guestwright.base.progress import Step
from guestwright.host.sysprep.machine import Machine
from guestwright.host.sysprep.model import Effect, Event, Failure, Limits, Phase

LIMITS = Limits(deadline=100, seen=20, unseen=5, answer=10)
WELL = [Event.BEGIN, Event.MEDIUM_IN, Event.SEEN, Event.RUNNING, Event.ENDED, Event.DOWN]


def drive(machine: Machine, events: list[Event], *, eject: str = "", destroy: str = "") -> list[Effect]:
    """Let things happen a second apart; effects are done at once."""
    done: list[Effect] = []
    for second, event in enumerate(events):
        todo = list(machine.happened(event, second))
        while todo:
            effect = todo.pop(0)
            done.append(effect)
            if effect is Effect.EJECT:
                todo = [*machine.ejected(eject, second), *todo]
            if effect is Effect.DESTROY:
                machine.destroyed(destroy, second)
    return done


def test_all_goes_well() -> None:
    steps: list[Step] = []
    machine = Machine(LIMITS, 0, speaks=True, progress=steps.append)
    assert drive(machine, WELL) == [Effect.INSERT, Effect.ASK, Effect.EJECT, Effect.DESTROY]
    assert (machine.phase, machine.failure, machine.over) == (Phase.DOWN, None, True)
    assert machine.due == math.inf
    assert [one.name for one in steps] == [
        "inserting-media",
        "media-inserted",
        "asked",
        "running",
        "finished",
        "domain-down",
    ]
    assert steps[-1].done == steps[-1].total


@pytest.mark.parametrize(
    ("events", "speaks", "failure"),
    [
        ([Event.BEGIN, Event.MEDIUM_REFUSED], True, Failure.MEDIUM),
        ([Event.BEGIN, Event.MEDIUM_IN, Event.SEEN_LATE], True, Failure.NOT_SEEN),
        ([Event.BEGIN, Event.MEDIUM_IN, Event.SEEN_LATE, Event.MUTE], False, Failure.NO_ANSWER),
        ([*WELL[:3], Event.MUTE], True, Failure.NO_ANSWER),
        ([*WELL[:3], Event.REFUSED], True, Failure.REFUSED),
        ([*WELL[:4], Event.FAILED], True, Failure.GUEST),
        ([*WELL[:4], Event.DOWN], True, Failure.DIED),
        ([*WELL[:4], Event.DOWN], False, None),
        ([*WELL[:3], Event.DOWN], False, Failure.DIED),
        ([*WELL[:4], Event.CRASHED], False, Failure.CRASHED),
        ([*WELL[:5], Event.CRASHED], True, Failure.CRASHED),
        ([*WELL[:3], Event.ENDED, Event.DOWN], True, None),
        ([Event.CANCEL], True, Failure.CANCELLED),
        ([*WELL[:2], Event.CANCEL], True, Failure.CANCELLED),
        ([*WELL[:5], Event.CANCEL], True, Failure.CANCELLED),
        ([*WELL[:4], Event.LOST], True, Failure.LOST),
        ([*WELL[:5], Event.LATE], True, Failure.DEADLINE),
        ([Event.BEGIN, Event.MEDIUM_IN, Event.SEEN_LATE, *WELL[3:]], False, None),
        ([*WELL, *WELL, Event.CANCEL], True, None),
    ],
)
def test_ways_to_end(events: list[Event], speaks: bool, failure: Failure | None) -> None:
    machine = Machine(LIMITS, 0, speaks=speaks)
    done = drive(machine, events)
    assert machine.failure is failure
    assert machine.phase is (Phase.DOWN if failure is None else Phase.FAILED)
    assert machine.over
    if Effect.INSERT in done:
        assert done.index(Effect.EJECT) == done.index(Effect.DESTROY) - 1
    if failure is not None and Effect.ASK in done and Event.ENDED not in events:
        assert Effect.RETRACT in done


def test_a_medium_that_stays_in_is_destroyed_and_makes_a_failure() -> None:
    machine = Machine(LIMITS, 0, speaks=True)
    done = drive(machine, WELL, eject="locked")
    assert done.count(Effect.EJECT) == 2
    assert (machine.failure, machine.detail, machine.over) == (Failure.MEDIUM_STAYS, "locked", True)


def test_a_medium_that_stays_on_the_host_makes_a_failure() -> None:
    machine = Machine(LIMITS, 0, speaks=True)
    drive(machine, WELL, destroy="read-only")
    assert (machine.failure, machine.detail) == (Failure.MEDIUM_STAYS, "read-only")
    assert any("still on the host" in note.text for note in machine.notes)


def test_a_medium_that_stays_in_does_not_hide_why_it_failed() -> None:
    machine = Machine(LIMITS, 0, speaks=True)
    drive(machine, [*WELL[:4], Event.FAILED], eject="locked")
    assert (machine.failure, machine.over) == (Failure.GUEST, True)


@pytest.mark.parametrize(
    ("events", "speaks", "due", "failure"),
    [
        ([], True, 100, Failure.DEADLINE),
        (WELL[:1], True, 100, Failure.DEADLINE),
        (WELL[:2], True, 21, Failure.NOT_SEEN),
        (WELL[:2], False, 6, None),
        (WELL[:3], True, 12, Failure.NO_ANSWER),
        (WELL[:4], True, 100, Failure.DEADLINE),
        (WELL[:5], True, 100, Failure.DEADLINE),
    ],
)
def test_every_wait_ends(events: list[Event], speaks: bool, due: float, failure: Failure | None) -> None:
    machine = Machine(LIMITS, 0, speaks=speaks)
    drive(machine, events)
    assert machine.due == due
    assert machine.tick(due - 0.001) == ()
    effects = machine.tick(due)
    assert machine.failure is failure
    assert effects or not events


def test_the_wait_that_was_over_first_is_named_even_when_it_is_noticed_late() -> None:
    machine = Machine(LIMITS, 0, speaks=True)
    drive(machine, WELL[:2])
    machine.tick(500)
    assert machine.failure is Failure.NOT_SEEN


def test_the_deadline_is_for_all_of_it() -> None:
    machine = Machine(Limits(deadline=15, seen=20, unseen=5, answer=10), 0, speaks=True)
    drive(machine, WELL[:2])
    assert machine.due == 15
    machine.tick(15)
    assert (machine.failure, machine.detail) == (Failure.DEADLINE, "while it was media-inserted")


@given(st.lists(st.sampled_from(Event), max_size=30), st.booleans(), st.sampled_from(["", "stuck"]))
@settings(deadline=None)
def test_any_order_of_events_leaves_no_medium(events: list[Event], speaks: bool, eject: str) -> None:
    machine = Machine(LIMITS, 0, speaks=speaks)
    done = drive(machine, events, eject=eject)
    if not machine.over:
        while (due := machine.due) < math.inf:
            todo = list(machine.tick(due))
            while todo:
                effect = todo.pop(0)
                done.append(effect)
                if effect is Effect.EJECT:
                    todo = [*machine.ejected(eject, due), *todo]
                if effect is Effect.DESTROY:
                    machine.destroyed("", due)
    assert machine.over
    assert done.count(Effect.INSERT) <= 1
    assert done.count(Effect.ASK) <= 1
    assert (Effect.DESTROY in done) == (Effect.INSERT in done)
    assert (machine.failure is None) == (machine.phase is Phase.DOWN)


class Lives(RuleBasedStateMachine):
    """Events, time and slow effects in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.machine = Machine(LIMITS, 0.0, speaks=True)
        self.todo: list[Effect] = []
        self.inserted = self.destroyed = 0

    @rule(event=st.sampled_from(Event))
    def something_happens(self, event: Event) -> None:
        self.todo.extend(self.machine.happened(event, self.now))

    @rule(seconds=st.floats(0, 60))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.todo.extend(self.machine.tick(self.now))

    @precondition(lambda self: self.todo)
    @rule(problem=st.sampled_from(["", "", "locked"]))
    def an_effect_is_done(self, problem: str) -> None:
        effect = self.todo.pop(0)
        if effect is Effect.INSERT:
            self.inserted += 1
        elif effect is Effect.EJECT:
            self.todo[:0] = self.machine.ejected(problem, self.now)
        elif effect is Effect.DESTROY:
            self.destroyed += 1
            self.machine.destroyed(problem, self.now)

    @invariant()
    def what_went_in_is_watched_over(self) -> None:
        ended = self.machine.phase in (Phase.DOWN, Phase.FAILED)
        if ended and not self.todo:
            assert self.machine.over
            assert self.destroyed >= self.inserted
        assert (self.machine.failure is not None) == (self.machine.phase is Phase.FAILED)

    @invariant()
    def it_will_end(self) -> None:
        assert self.machine.due <= 100 or self.machine.phase in (Phase.DOWN, Phase.FAILED)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
