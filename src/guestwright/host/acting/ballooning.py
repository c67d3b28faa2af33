"""Drives the balloon controller: looks at the host every second, and makes the moves.

Theory of operation: `host.balloon` decides, `host_memory` sees and moves; here is the clock between them, and
who waits for memory. A host that cannot be looked at is not moved; the next second it is tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.host.acting.errors import ReservationRefused
from guestwright.host.acting.host_memory import HostMemory
from guestwright.host.balloon.controller import Controller
from guestwright.host.balloon.model import Why
from guestwright.host.balloon.reservations import Reservation
from guestwright.hypervisor.domain import DomainId

PERIOD: Final = 1.0  # seconds
_LEAVE: Final = 5.0  # seconds for the thread to end


class Ballooning:
    """Runs a controller.

    Args:
        controller: the policy.
        memory: eyes and hands.
        told: is given each reason for a move, and each problem in words; must be quick and not raise.
        clock: seconds of a monotonic clock.
        period: seconds between two looks.
    """

    def __init__(
        self,
        controller: Controller,
        memory: HostMemory,
        *,
        told: Callable[[Why | str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        period: float = PERIOD,
    ) -> None:
        self._controller = controller
        self._memory = memory
        self._told = told
        self._clock = clock
        self._period = period
        self._changed = threading.Condition()
        self._refused: dict[str, GuestwrightError] = {}
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem = ""

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="ballooning", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; who waits for a reservation is told so."""
        self._ending.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_LEAVE)

    def log(self) -> tuple[Why, ...]:
        """Why each target moved, the latest last."""
        with self._changed:
            return tuple(self._controller.log)

    def tick(self) -> None:
        """Look once, and move.

        Raises:
            GuestwrightError: the host cannot be looked at, or a move not be made.
        """
        now = self._clock()
        view = self._memory.view(now)
        with self._changed:
            before = self._controller.log[-1] if self._controller.log else None
            step = self._controller.step(view, now)
            reasons = _later(tuple(self._controller.log), before)
            for one, error in step.refused:
                self._refused[one.name] = error
            if step.granted or step.refused:
                self._changed.notify_all()
        for move in step.moves:
            self._memory.move(move)
        for why in reasons:
            self._told(why)

    def reserve(self, wanted: Reservation) -> Reservation:
        """Ask for memory, and wait until it is granted or refused; until its deadline at most.

        Raises:
            BadReservation: see there.
            NotEnoughMemory, GuestsKeepMemory: it is refused.
            ReservationRefused: nobody looks any more.
        """
        with self._changed:
            self._refused.pop(wanted.name, None)
            self._controller.reserve(wanted, self._clock())
            while not self._ending.is_set():
                if wanted.name in self._refused:
                    raise self._refused.pop(wanted.name)
                found = {one.name: one for one in self._controller.reservations.all}.get(wanted.name)
                if found is not None and found.granted is not None:
                    return found
                self._changed.wait(self._period)
        raise ReservationRefused(reservation=wanted.name, problem="the service ends")

    def transfer(self, name: str, domain: DomainId) -> None:
        """A domain takes what was granted; see `Reservations.transfer`."""
        with self._changed:
            self._controller.reservations.transfer(name, domain)

    def drop(self, name: str) -> None:
        """Forget a reservation; see `Reservations.drop`."""
        with self._changed:
            self._controller.reservations.drop(name)

    def _run(self) -> None:
        while not self._ending.wait(self._period):
            try:
                self.tick()
                self._problem = ""
            except GuestwrightError as error:
                if error.message != self._problem:  # once for each problem
                    self._told(error.message)
                self._problem = error.message


def _later(log: tuple[Why, ...], before: Why | None) -> tuple[Why, ...]:
    """What was added after a line."""
    for at in range(len(log) - 1, -1, -1):
        if log[at] is before:
            return log[at + 1 :]
    return log
