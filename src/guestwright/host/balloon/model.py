"""What the policy is told, and what it answers. All memory is in KiB, all times in seconds."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from guestwright.base.record import record

MIB: Final = 1024  # KiB


@record
class Settings:
    """How the policy behaves.

    Attributes:
        slush: always kept free. Xen warns of low memory below 64 MiB; squeezed keeps 8 MiB more.
        inaccuracy: a target is met when memory is this near to it.
        quantum: targets are multiples of this above the minimum; HVM balloons move whole MiB.
        slack: a target moves by no less than this unless memory is wanted now.
        slack_part: the same as a part of a guest's range: 1/n.
        step: a guest is asked for at most this much at a time,
        step_part: or for this part of what it has, 1/n, if that is more.
        patience: how long a guest may fail to approach its target, when its agent says nothing about it.
        patience_reported: the same when an agent reports on the balloon, and does not say that it is stuck.
        pace: what counts as progress.
        retry: for how long it is believed that a guest cannot go on; doubled each time up to `retry_last`.
        retry_last: see there.
        headroom: how much more than its use a guest needs, 1/n of it.
        calm: how long a guest must need less until that is believed.
    """

    slush: int = 72 * MIB
    inaccuracy: int = 4
    quantum: int = MIB
    slack: int = 4 * MIB
    slack_part: int = 128
    step: int = 128 * MIB
    step_part: int = 8
    patience: float = 5.0
    patience_reported: float = 30.0
    pace: int = 256
    retry: float = 60.0
    retry_last: float = 3600.0
    headroom: int = 10
    calm: float = 60.0


@record
class Seen:
    """One domain as the host sees it now.

    Attributes:
        domain: its name for the caller.
        actual: memory that it has, less the offset of `calibration`.
        target: the balloon's target that was set last.
        cap: the most that the hypervisor lets it have, less the same offset.
        minimum: it is never asked to go below: `memory/dynamic-min`.
        maximum: it is never given more: `memory/dynamic-max`.
        balloons: whether it can move. One that cannot is left alone.
        promised: memory that was reserved for it and that it has not taken yet, while it is being built.
        used: memory that its agent says cannot be spared; None when it says nothing.
        reports: whether its agent reports on the balloon.
        stuck: why the agent says that the target will not be met; "" when it does not.
    """

    domain: str
    actual: int
    target: int
    cap: int
    minimum: int
    maximum: int
    balloons: bool = True
    promised: int = 0
    used: int | None = None
    reports: bool = False
    stuck: str = ""


@record
class View:
    """A host at one moment.

    Attributes:
        free: memory that no domain has, pages being scrubbed included.
        guests: all domains that the policy shall know of.
    """

    free: int
    guests: tuple[Seen, ...]


class Reason(StrEnum):
    """Why a target moved."""

    FAIR = "fair-share"
    ROOM = "make-room"
    NEED = "guest-needs-it"
    SPARE = "guest-can-spare-it"
    HELD = "guest-does-not-follow"
    BOUNDS = "limits-changed"


@record
class Move:
    """Set a target and a cap.

    Attributes:
        domain: whose.
        target: new target.
        cap: new cap; the same as the target.
        cap_first: whether the cap is to be set before the target (the guest grows) or after (it shrinks).
        before: the target until now.
        reason: why, for programs.
        detail: why, for people.
    """

    domain: str
    target: int
    cap: int
    cap_first: bool
    before: int
    reason: Reason
    detail: str


@record
class Why:
    """One line of the log of targets.

    Attributes:
        at: when.
        domain: whose target.
        before: it was.
        after: it is.
        reason: see `Move`.
        detail: see `Move`.
    """

    at: float
    domain: str
    before: int
    after: int
    reason: Reason
    detail: str
