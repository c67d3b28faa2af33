"""The balloon controller: every second or so it looks at the host, and says which targets to set.

Theory of operation: what may be handed out is free memory, less what is kept and reserved, plus all that
the guests have which can balloon. `share` divides it; reservations that are asked for take part like guests
that have nothing yet. Then

1. guests that shall have less are asked for it, a step at a time, and their caps follow: what a guest has
   not taken of its old cap is taken back at once;
2. guests that shall have more get it when it fits into what is free and claimed by nobody, and while others
   still shrink, only then. Therefore the caps never add up to more memory than there is, and a reservation
   that is granted is free whatever the guests do.

Nothing moves for less than `slack` unless memory is wanted, so that what wavers in guests and in the host's
own use does not wander through all targets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.host.balloon import share
from guestwright.host.balloon.model import Move, Reason, Seen, Settings, View, Why
from guestwright.host.balloon.reservations import Reservation, Reservations
from guestwright.host.balloon.track import Track
from guestwright.host.errors import GuestsKeepMemory, NotEnoughMemory

LOG_MAX: Final = 2000  # lines


@record
class Step:
    """What one look came to.

    Attributes:
        moves: to be made in this order.
        granted: reservations that are promised from now on.
        refused: reservations that are not; they are forgotten.
        balanced: nothing was to be done, and nobody is on the way.
    """

    moves: tuple[Move, ...]
    granted: tuple[Reservation, ...]
    refused: tuple[tuple[Reservation, GuestwrightError], ...]
    balanced: bool


class Controller:
    """The policy of one host. Not thread-safe.

    Args:
        settings: how it behaves.
        known: reservations of before a restart.
    """

    def __init__(self, settings: Settings | None = None, known: tuple[Reservation, ...] = ()) -> None:
        self.settings = settings or Settings()
        self.reservations = Reservations(known)
        self.log: deque[Why] = deque(maxlen=LOG_MAX)
        self._tracks: dict[str, Track] = {}

    @property
    def uncooperative(self) -> dict[str, str]:
        """Guests that keep memory they were asked to give back, and how that is known."""
        return {name: track.why for name, track in self._tracks.items() if track.owes}

    def reserve(self, wanted: Reservation, now: float) -> None:
        """Ask for memory; a later `step` grants or refuses it.

        Raises:
            BadReservation: see `Reservations.ask`.
        """
        self.reservations.ask(wanted)
        for track in self._tracks.values():
            track.retry(now)

    def step(self, view: View, now: float) -> Step:
        """Look at the host.

        Args:
            view: as it is now, all moves of the last step made.
            now: seconds of a monotonic clock.
        """
        movable = self._observe(view, now)
        refused = []
        while True:
            plan = _Plan(self.settings, view, movable, self._tracks, self.reservations)
            error = plan.impossible()
            if error is None:
                break
            first = self.reservations.pending[0]
            self.reservations.drop(first.name)
            refused.append((first, error))
        granted, late = self._settle(plan, now)
        moves = [] if granted else plan.moves()  # what is granted changes the shares
        for one in moves:
            self.log.append(
                Why(
                    at=now,
                    domain=one.domain,
                    before=one.before,
                    after=one.target,
                    reason=one.reason,
                    detail=one.detail,
                )
            )
        return Step(
            moves=tuple(moves),
            granted=tuple(granted),
            refused=(*refused, *late),
            balanced=not moves and not granted and not plan.shrinking and not self.reservations.pending,
        )

    def _observe(self, view: View, now: float) -> list[Seen]:
        domains = frozenset(one.domain for one in view.guests)
        self.reservations.seen(domains)
        movable = [one for one in view.guests if one.balloons]
        for one in movable:
            track = self._tracks.get(one.domain)
            if track is None:
                track = self._tracks[one.domain] = Track(self.settings, one, now)
            track.observe(one, now)
        present = {one.domain for one in movable}
        for name in [name for name in self._tracks if name not in present]:
            del self._tracks[name]
        return movable

    def _settle(
        self, plan: _Plan, now: float
    ) -> tuple[list[Reservation], list[tuple[Reservation, GuestwrightError]]]:
        """Grant what is there; give up what is late."""
        granted, late = [], []
        unclaimed = plan.unclaimed
        for one in plan.asked:
            share_of = plan.shares[_name(one)]
            over = now >= one.deadline
            if unclaimed >= share_of or (unclaimed >= one.minimum and (over or not plan.shrinking)):
                amount = min(share_of, unclaimed)
                granted.append(self.reservations.grant(one.name, max(amount, one.minimum)))
                unclaimed -= amount
            elif over:
                self.reservations.drop(one.name)
                late.append((one, plan.shortage(one)))
            else:
                break
        return granted, late


class _Plan:
    """One look: the shares, and what has to move for them."""

    def __init__(
        self,
        settings: Settings,
        view: View,
        movable: list[Seen],
        tracks: dict[str, Track],
        reservations: Reservations,
    ) -> None:
        self._settings = settings
        self._guests = movable
        self._tracks = tracks
        kept = settings.slush + reservations.kept + sum(max(0, one.promised) for one in view.guests)
        self._available = view.free - kept
        self.unclaimed = self._available - sum(max(0, one.cap - one.actual) for one in movable)
        pending = reservations.pending
        # Each guest may stop this much above its target.
        margin = 2 * settings.inaccuracy * len(movable) if pending else 0
        self._pool = self._available - margin + sum(one.actual for one in movable)
        claims = [_claim(one, tracks[one.domain], pending) for one in movable]
        self._least = sum(one.lowest for one in claims)
        self._first = pending[0] if pending else None
        self.asked = self._possible(pending)
        claims.extend(
            share.Claim(
                name=_name(one),
                minimum=one.minimum,
                maximum=one.maximum,
                lowest=one.minimum,
                highest=one.maximum,
            )
            for one in self.asked
        )
        self._fair = share.fair(claims, self._pool)
        self.shares = share.lend(claims, self._fair)
        self._down = self._shrink()
        self.shrinking = bool(self._down) or any(
            one.actual > one.target + settings.inaccuracy and not tracks[one.domain].owes for one in movable
        )

    def _possible(self, pending: Iterable[Reservation]) -> list[Reservation]:
        """As many reservations, the oldest first, as can be had at once."""
        room = self._pool - self._least
        found = []
        for one in pending:
            room -= one.minimum
            if room < 0:
                break
            found.append(one)
        return found

    def impossible(self) -> GuestwrightError | None:
        """Why the oldest reservation cannot be had, if it cannot."""
        return None if self._first is None or self.asked else self.shortage(self._first)

    def shortage(self, wanted: Reservation) -> GuestwrightError:
        """Why a reservation is not granted."""
        slow = self._settings.inaccuracy
        owing = [
            one for one in self._guests if self._tracks[one.domain].owes or one.actual > one.target + slow
        ]
        best = self._pool - sum(one.minimum for one in self._guests)
        if owing and best >= wanted.minimum:
            names = ", ".join(sorted(one.domain for one in owing)[:20])
            possible = max(0, self._pool - self._least)
            return GuestsKeepMemory(needed=wanted.minimum, possible=possible, domains=names)
        return NotEnoughMemory(needed=wanted.minimum, possible=max(0, best))

    def moves(self) -> list[Move]:
        """What has to be set now."""
        claimed = 0  # of what is available, by guests that may still take it
        growing = []
        for one in self._guests:
            down = self._down.get(one.domain)
            cap = one.cap if down is None else down.cap
            claimed += max(0, cap - one.actual)
            if down is None and self._goal(one) > one.target and self._worth(one, self._goal(one)):
                growing.append(one)
        asked = sum(self.shares[_name(one)] for one in self.asked)
        return [*self._down.values(), *self._grow(growing, self._available - asked - claimed)]

    def _shrink(self) -> dict[str, Move]:
        """Targets and caps that go down, by domain."""
        found = {}
        for one in self._guests:
            goal = self._goal(one)
            if goal >= max(one.target, one.cap) or not self._worth(one, goal):
                continue
            size = max(self._settings.step, one.actual // self._settings.step_part)
            target = max(goal, one.actual - size)
            if target - goal < self._slack(one):
                target = goal
            target = min(target, max(one.target, goal))  # never up on the way down
            if (target, target) != (one.target, one.cap):
                found[one.domain] = self._move(one, target)
        return found

    def _grow(self, growing: list[Seen], room: int) -> list[Move]:
        """Let guests grow into what is free."""
        wanted = {one.domain: self._goal(one) - max(one.actual, one.cap) for one in growing}
        total = sum(size for size in wanted.values() if size > 0)
        if total > room and (self.shrinking or room <= 0):
            growing = [one for one in growing if wanted[one.domain] <= 0]
        found = []
        for one in growing:
            size = wanted[one.domain]
            target = self._goal(one)
            if size > 0 and total > room:
                part = size * room // total // self._settings.quantum * self._settings.quantum
                target = max(one.actual, one.cap) + part
                if part < self._slack(one) or target <= one.target:
                    continue
            found.append(self._move(one, target))
        return found

    def _goal(self, one: Seen) -> int:
        """The target in the end."""
        track = self._tracks[one.domain]
        wanted = min(max(self.shares[one.domain], one.minimum), max(one.minimum, one.maximum))
        if wanted in (one.maximum, track.below, track.above):
            return wanted
        return wanted - (wanted - one.minimum) % self._settings.quantum

    def _slack(self, one: Seen) -> int:
        return max(self._settings.slack, (one.maximum - one.minimum) // self._settings.slack_part)

    def _worth(self, one: Seen, goal: int) -> bool:
        """Whether the way is far enough to be gone."""
        if not one.minimum <= one.target <= max(one.minimum, one.maximum):
            return True
        urgent = bool(self.asked) or self.unclaimed < 0
        limits = (self._tracks[one.domain].below, self._tracks[one.domain].above)
        if goal < max(one.target, one.cap):
            return urgent or goal in limits or max(one.target, one.cap) - goal >= self._slack(one)
        return goal - one.target >= self._slack(one) or goal in limits

    def _move(self, one: Seen, target: int) -> Move:
        reason, detail = self._why(one, target)
        return Move(
            domain=one.domain,
            target=target,
            cap=target,
            cap_first=target > one.cap,
            before=one.target,
            reason=reason,
            detail=detail,
        )

    def _why(self, one: Seen, target: int) -> tuple[Reason, str]:
        track = self._tracks[one.domain]
        fair, shared = self._fair[one.domain], self.shares[one.domain]
        if not one.minimum <= one.target <= max(one.minimum, one.maximum):
            return Reason.BOUNDS, f"its limits are {one.minimum} to {one.maximum} KiB now"
        if target in (track.below, track.above):
            return Reason.HELD, f"it stays where it stopped: {track.why}"
        if target < one.target and self.asked:
            names = ", ".join(reservation.name for reservation in self.asked[:5])
            return Reason.ROOM, f"memory is wanted for {names}"
        if shared > fair and target > one.target:
            return Reason.NEED, f"it uses more than its share of {fair} KiB, and others can spare it"
        if shared < fair and target < one.target:
            return Reason.SPARE, f"it uses less than its share of {fair} KiB, and others need it"
        part = 100 * (target - one.minimum) // max(1, one.maximum - one.minimum)
        return Reason.FAIR, f"{part} % of its range, as the others"


def _claim(one: Seen, track: Track, pending: Iterable[Reservation]) -> share.Claim:
    lowest = max(one.minimum, one.minimum if track.below is None else track.below)
    for wanted in pending:
        lowest = max(lowest, track.reachable(one.actual, wanted.deadline))
        break
    highest = one.maximum if track.above is None else min(one.maximum, track.above)
    return share.Claim(
        name=one.domain,
        minimum=one.minimum,
        maximum=one.maximum,
        lowest=lowest,
        highest=max(lowest, highest),
        need=track.need,
    )


def _name(one: Reservation) -> str:
    """What cannot be the name of a domain."""
    return f"\0{one.name}"
