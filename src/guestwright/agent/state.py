"""Whether the guest has booted, and what its balloon does.

Theory of operation: both are looked at by a timer, but only while they can change: booting until the system
lets users log in (`/run/nologin` goes away; systemd-user-sessions.service(8)), the balloon from a change of
the host's `memory/target` until the target is reached or nothing has moved for `STUCK_AFTER`. At rest no
timer runs.

Sources: Linux, drivers/xen/xen-balloon.c (sysfs); xapi's squeezed gives a balloon 5 s without progress too.
"""

from __future__ import annotations

import os

from guestwright.agent.core.facts import Balloon

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Context
    from guestwright.agent.loop import Timer

_NOLOGIN: Final = "/run/nologin"
_BOOT_PERIOD: Final = 0.5  # seconds
_BOOT_MAX: Final = 600.0  # seconds, after which the guest counts as booted whatever it says
_DRIVER: Final = "/sys/devices/system/xen_memory/xen_memory0"
_TARGET: Final = b"memory/target"
_PERIOD: Final = 0.5  # seconds between two looks at a moving balloon
_NEAR: Final = 64  # kB between target and present size that count as reached
_CALM: Final = 2  # looks in a row that must say so
STUCK_AFTER: Final = 5.0  # seconds without progress
READY_AFTER: Final = 30.0  # seconds, after which a guest counts as booted although its balloon moves


class Motion:
    """Judges a balloon by successive looks at it; pure.

    Attributes:
        verdict: the newest judgement; None before the first look.
        moving: whether another look is worth while.
    """

    def __init__(self) -> None:
        self.verdict: Balloon | None = None
        self.moving = True
        self._calm = 0
        self._since = 0.0
        self._distance = -1
        self._start = -1.0
        self._supported = False

    def look(self, current: int, target: int, now: float) -> Balloon:
        """Take one measurement in kB at a time in seconds."""
        if self._start < 0:
            self._start = now
        distance = abs(current - target)
        if distance != self._distance:
            # A new target counts as progress too: the driver needs time to begin.
            self._since = now
        self._distance = distance
        self._calm = self._calm + 1 if distance <= _NEAR else 0
        settled = self._calm >= _CALM
        still = now - self._since >= STUCK_AFTER
        stuck = ""
        if still and not settled:
            stuck = f"no progress for {STUCK_AFTER:.0f} s, {distance} kB short of the target"
        self.moving = not settled and not stuck
        self._supported = self._supported or settled
        self.verdict = Balloon(
            current=current,
            target=target,
            settled=settled,
            ready=self._supported or bool(stuck) or now - self._start >= READY_AFTER,
            supported=self._supported,
            stuck=stuck,
        )
        return self.verdict


class State:
    """Follows both.

    Args:
        context: `changed` is called when there is news.

    Attributes:
        boot: "booting" or "up".
        balloon: None where there is no driver.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._motion = Motion()
        self._timer: Timer | None = None
        self._since = context.loop.clock()
        self.boot = "booting"
        self.balloon: Balloon | None = None
        self._on = context.config.allows("balloon") and os.path.isdir(context.path(_DRIVER))
        if self._on:
            context.session.watch(_TARGET, lambda _path: self._target_changed())

    def start(self) -> None:
        """Begin to look."""
        self._look_at_boot()
        if self._on:
            self._look()

    def _look_at_boot(self) -> None:
        context = self._context
        late = context.loop.clock() - self._since > _BOOT_MAX
        if late or not os.path.exists(context.path(_NOLOGIN)):
            self.boot = "up"
            context.changed()
        else:
            context.loop.at(_BOOT_PERIOD, self._look_at_boot)

    def _target_changed(self) -> None:
        self._motion.moving = True
        if self._timer is None:
            self._look()

    def _look(self) -> None:
        self._timer = None
        current, target = self._number("info/current_kb"), self._number("target_kb")
        if current < 0 or target < 0:
            return
        before = self.balloon
        self.balloon = self._motion.look(current, target, self._context.loop.clock())
        if self._motion.moving:
            self._timer = self._context.loop.at(_PERIOD, self._look)
        if before != self.balloon:
            self._context.changed()

    def _number(self, name: str) -> int:
        try:
            with open(f"{self._context.path(_DRIVER)}/{name}", "rb") as file:
                return int(file.read(32))
        except (OSError, ValueError):
            return -1
