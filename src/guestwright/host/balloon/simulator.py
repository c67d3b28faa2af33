"""A host with guests that balloon well or badly, in no time: to try settings, and to prove the policy.

Theory of operation: guests move towards their targets at their own pace and within their own limits; they
may do anything that a hypervisor lets them, but no more: none grows past its cap or into memory that is not
there. `Host.faults` tells when the policy broke a promise; it stays empty whatever the guests do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from guestwright.host.balloon.controller import Controller, Step
from guestwright.host.balloon.model import MIB, Move, Seen, View


@dataclass(slots=True, kw_only=True)
class Guest:
    """One simulated guest; KiB and seconds.

    Attributes:
        actual: memory that it has.
        minimum: of its range.
        maximum: of its range.
        target: of its balloon.
        cap: the most that it may have.
        rate: how fast its balloon moves, KiB/s.
        floor: its balloon never goes below.
        ceiling: its balloon never goes above.
        works: seconds in which it moves,
        rests: then seconds in which it does not, and so on.
        grid: it moves in multiples of this.
        greedy: it takes all that its cap allows, whatever the target.
        balloons: whether it has a balloon.
        promised: memory reserved for it that it has not taken.
        used: what its agent says that it uses.
        reports: whether its agent reports on the balloon.
        honest: whether that agent says so when the balloon has stopped.
    """

    actual: int
    minimum: int
    maximum: int
    target: int = -1
    cap: int = -1
    rate: int = 512 * MIB
    floor: int = 0
    ceiling: int = 1 << 40
    works: float = 1.0
    rests: float = 0.0
    grid: int = 4
    greedy: bool = False
    balloons: bool = True
    promised: int = 0
    used: int | None = None
    reports: bool = False
    honest: bool = True
    age: float = 0.0

    def __post_init__(self) -> None:
        """Start on target."""
        self.target = self.actual if self.target < 0 else self.target
        self.cap = self.target if self.cap < 0 else self.cap

    @property
    def stuck(self) -> str:
        """What its agent says about a balloon that does not move."""
        aim = max(self.floor, min(self.ceiling, self.target))
        here = not self.rate or abs(self.actual - aim) < self.grid
        off = abs(self.actual - self.target) > self.grid
        return "the driver has stopped" if self.reports and self.honest and here and off else ""

    def run(self, seconds: float, free: int) -> None:
        """Let time pass; `free` is what it may take at most."""
        self.age += seconds
        if self.rests and self.age % (self.works + self.rests) > self.works:
            return
        aim = self.cap if self.greedy else self.target
        aim = max(self.floor, min(self.ceiling, aim)) // self.grid * self.grid
        reach = int(self.rate * seconds)
        if aim < self.actual:
            self.actual -= min(reach, self.actual - aim)
        elif aim > self.actual:
            self.actual += max(0, min(reach, aim - self.actual, free, self.cap - self.actual))


@dataclass(slots=True, kw_only=True)
class Host:
    """A host.

    Attributes:
        total: memory, KiB.
        controller: its policy.
        guests: by domain.
        now: seconds since the start.
        other: memory taken by what is no guest.
        faults: promises that the policy broke.
        turns: how often each guest's target changed its direction.
        moved: how often a target was set.
    """

    total: int
    controller: Controller
    guests: dict[str, Guest]
    now: float = 0.0
    other: int = 0
    faults: list[str] = field(default_factory=list)
    turns: dict[str, int] = field(default_factory=dict)
    moved: int = 0
    directions: dict[str, bool] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """Memory that nobody has."""
        return self.total - self.other - sum(one.actual for one in self.guests.values())

    def view(self) -> View:
        """What the controller sees."""
        return View(
            free=self.free,
            guests=tuple(
                Seen(
                    domain=name,
                    actual=one.actual,
                    target=one.target,
                    cap=one.cap,
                    minimum=one.minimum,
                    maximum=one.maximum,
                    balloons=one.balloons,
                    promised=one.promised,
                    used=one.used,
                    reports=one.reports,
                    stuck=one.stuck,
                )
                for name, one in self.guests.items()
            ),
        )

    def tick(self, seconds: float = 1.0) -> Step:
        """The controller looks and moves, then time passes."""
        step = self.controller.step(self.view(), self.now)
        for move in step.moves:
            self._make(move)
        self._check()
        for one in self.guests.values():
            one.run(seconds, self.free)
        self.now += seconds
        self._check()
        return step

    def run(self, seconds: float, tick: float = 1.0) -> list[Step]:
        """Several ticks."""
        return [self.tick(tick) for _ in range(round(seconds / tick))]

    def _make(self, move: Move) -> None:
        one = self.guests[move.domain]
        self.moved += 1
        if not one.balloons:
            self.faults.append(f"{move.domain} was moved, and has no balloon")
        if not one.minimum <= move.target <= max(one.maximum, one.target):  # on its way down at most
            self.faults.append(f"{move.domain} was sent to {move.target}")
        if move.cap < move.target:
            self.faults.append(f"{move.domain} has a cap below its target")
        if move.target != one.target:
            up = move.target > one.target
            if self.directions.get(move.domain, up) != up:
                self.turns[move.domain] = self.turns.get(move.domain, 0) + 1
            self.directions[move.domain] = up
        one.target, one.cap = move.target, move.cap

    def _check(self) -> None:
        """Whatever the guests do next, there is room for it."""
        claimed = sum(max(0, one.cap - one.actual) for one in self.guests.values() if one.balloons)
        promised = sum(one.promised for one in self.guests.values())
        kept = self.controller.reservations.kept
        if self.free < kept + promised + claimed and claimed:
            self.faults.append(f"{self.now:g}: {self.free} KiB free, {kept} reserved, {claimed} claimable")
