"""One sysprep as a state machine: events go in, effects come out; no clock, no store, no drive.

Theory of operation: `_NEXT` is the protocol. The medium is watched over beside it: whatever way the protocol
ends, the medium is ejected and destroyed, and only then the machine is `over`. A medium that does not come
out is destroyed all the same (its contents are what matters), and that makes a failure of a success.

Guests that speak of `data/guestwright/sysprep` say when they see the medium and how it ended. Others know
what XAPI knows: `action` becomes `running`, then vanishes. They are given `Limits.unseen` to find the medium,
and a domain that ends while they run counts as done: with them nobody can tell it from a crash, except when
the hypervisor says so.

Waits are bounded each by its own limit and all by one deadline.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Final

from guestwright.base.progress import Progress, Step, silent
from guestwright.host.sysprep.model import PROGRESS_MAX, Effect, Event, Failure, Limits, Note, Phase

_EARLY: Final = (Phase.REQUESTED, Phase.INSERTING, Phase.INSERTED, Phase.ASKED, Phase.RUNNING)
_NEXT: Final[Mapping[tuple[Phase, Event], Phase | Failure]] = {
    (Phase.REQUESTED, Event.BEGIN): Phase.INSERTING,
    (Phase.INSERTING, Event.MEDIUM_IN): Phase.INSERTED,
    (Phase.INSERTING, Event.MEDIUM_REFUSED): Failure.MEDIUM,
    (Phase.INSERTED, Event.SEEN): Phase.ASKED,
    (Phase.INSERTED, Event.SEEN_LATE): Failure.NOT_SEEN,
    (Phase.ASKED, Event.RUNNING): Phase.RUNNING,
    (Phase.ASKED, Event.ENDED): Phase.FINISHED,
    (Phase.ASKED, Event.MUTE): Failure.NO_ANSWER,
    (Phase.RUNNING, Event.ENDED): Phase.FINISHED,
    (Phase.FINISHED, Event.DOWN): Phase.DOWN,
    **{(phase, Event.DOWN): Failure.DIED for phase in _EARLY},
    **{(phase, Event.REFUSED): Failure.REFUSED for phase in (Phase.ASKED, Phase.RUNNING)},
    **{(phase, Event.FAILED): Failure.GUEST for phase in (Phase.ASKED, Phase.RUNNING, Phase.FINISHED)},
    **{(phase, Event.CRASHED): Failure.CRASHED for phase in (*_EARLY, Phase.FINISHED)},
    **{(phase, Event.LATE): Failure.DEADLINE for phase in (*_EARLY, Phase.FINISHED)},
    **{(phase, Event.CANCEL): Failure.CANCELLED for phase in (*_EARLY, Phase.FINISHED)},
    **{(phase, Event.LOST): Failure.LOST for phase in (*_EARLY, Phase.FINISHED)},
}
_LEGACY: Final[Mapping[tuple[Phase, Event], Phase | Failure]] = {
    (Phase.INSERTED, Event.SEEN_LATE): Phase.ASKED,
    (Phase.RUNNING, Event.DOWN): Phase.DOWN,
}
_ENTERING: Final[Mapping[Phase, tuple[Effect, ...]]] = {
    Phase.INSERTING: (Effect.INSERT,),
    Phase.ASKED: (Effect.ASK,),
    Phase.FINISHED: (Effect.EJECT,),
    Phase.DOWN: (Effect.EJECT,),
}
_EJECTS: Final = 2  # attempts


class Machine:
    """One sysprep.

    Attributes:
        phase: how far it is.
        failure: why it failed; None unless it has.
        detail: the same for people, with what the guest said.
        notes: progress, the last `PROGRESS_MAX` lines.

    Args:
        limits: see there.
        now: seconds of a monotonic clock.
        speaks: whether the guest tells what it sees and how it ends.
        progress: is told of each phase.
    """

    def __init__(self, limits: Limits, now: float, *, speaks: bool, progress: Progress = silent) -> None:
        self.phase = Phase.REQUESTED
        self.failure: Failure | None = None
        self.detail = ""
        self.notes: deque[Note] = deque(maxlen=PROGRESS_MAX)
        self._limits = limits
        self._speaks = speaks
        self._progress = progress
        self._deadline = now + limits.deadline
        self._entered = now
        self._asked = False
        self._medium = False  # it may exist, or be in the drive
        self._ejects = 0

    @property
    def over(self) -> bool:
        """Whether nothing is to be done or awaited any more."""
        return self.phase in (Phase.DOWN, Phase.FAILED) and not self._medium

    @property
    def due(self) -> float:
        """When to call `tick`, unless something happens before."""
        if self.phase in (Phase.DOWN, Phase.FAILED):
            return math.inf
        waits = {
            Phase.INSERTED: self._limits.seen if self._speaks else self._limits.unseen,
            Phase.ASKED: self._limits.answer,
        }
        return min(self._deadline, self._entered + waits.get(self.phase, self._limits.deadline))

    def tick(self, now: float) -> tuple[Effect, ...]:
        """Time has passed."""
        if now < self.due:
            return ()
        if self.due == self._deadline:  # else something shorter was over before, even if it is noticed late
            return self.happened(Event.LATE, now, f"while it was {self.phase}")
        event = {Phase.INSERTED: Event.SEEN_LATE, Phase.ASKED: Event.MUTE}[self.phase]
        return self.happened(event, now)

    def happened(self, event: Event, now: float, text: str = "") -> tuple[Effect, ...]:
        """Something has happened.

        Args:
            event: what.
            now: seconds.
            text: more about it, printable; what a guest said.

        Returns:
            What is to be done, in this order. What cannot happen in this phase is ignored.
        """
        next_one = None if self._speaks else _LEGACY.get((self.phase, event))
        next_one = next_one or _NEXT.get((self.phase, event))
        if next_one is None:
            return ()
        if isinstance(next_one, Failure):
            return self._fail(next_one, now, text)
        self._enter(next_one, now, text)
        if next_one is Phase.INSERTING:
            self._medium = True
        if next_one is Phase.ASKED:
            self._asked = True
        if next_one is Phase.DOWN and not self._medium:
            return ()
        return _ENTERING.get(next_one, ())

    def said(self, text: str, now: float) -> None:
        """The guest tells what it is doing."""
        if self.notes and self.notes[-1].text == text:
            return
        self.notes.append(Note(at=now, phase=self.phase, text=text))

    def ejected(self, problem: str, now: float) -> tuple[Effect, ...]:
        """The outcome of `Effect.EJECT`: "" when the drive is empty, or why it is not."""
        if not problem:
            return (Effect.DESTROY,)
        self._ejects += 1
        self.said(f"the medium does not come out: {problem}", now)
        if self._ejects < _EJECTS:
            return (Effect.EJECT,)
        self._spoil(problem, now)
        return (Effect.DESTROY,)

    def destroyed(self, problem: str, now: float) -> None:
        """The outcome of `Effect.DESTROY`: "" when nothing is left on the host, or why something is."""
        self._medium = False
        if problem:
            self.said(f"the medium is still on the host: {problem}", now)
            self._spoil(problem, now)

    def _spoil(self, problem: str, now: float) -> None:
        """What went well has failed after all."""
        if self.failure is None:
            self._enter(Phase.FAILED, now, problem)
            self.failure, self.detail = Failure.MEDIUM_STAYS, problem

    def _fail(self, failure: Failure, now: float, text: str) -> tuple[Effect, ...]:
        self.failure, self.detail = failure, text
        self._enter(Phase.FAILED, now, f"{failure}: {text}" if text else failure)
        asked = (Effect.RETRACT,) if self._asked else ()
        return (*asked, Effect.EJECT) if self._medium else asked

    def _enter(self, phase: Phase, now: float, text: str) -> None:
        self.phase, self._entered = phase, now
        self.notes.append(Note(at=now, phase=phase, text=text or phase))
        done = list(Phase).index(phase)
        self._progress(Step(name=phase, done=done, total=len(Phase) - 2, text=text or phase))
