"""Whether an agent is there: never seen, booting, live, stale or lost."""

from __future__ import annotations

from enum import StrEnum

from guestwright.base.record import record


class AgentState(StrEnum):
    """What is known of an agent."""

    NEVER = "never-seen"
    BOOTING = "booting"
    LIVE = "live"
    STALE = "stale"
    LOST = "lost"


@record
class Ages:
    """After how many seconds without a sign an agent counts as what.

    Attributes:
        stale: its facts may be old. Agents that tell of free memory do so within two minutes.
        lost: it is not expected back by itself.
        booting: for how long a guest that has said something may be on its way up.
    """

    stale: float = 180.0
    lost: float = 900.0
    booting: float = 600.0


@record
class Signs:
    """When something was seen, in seconds of one clock; None for never.

    Attributes:
        started: the domain, in its present life.
        first: the agent, for the first time in this life.
        last: the agent, for the last time: a key of its own changed, or it answered.
        up: whether it has said that the guest is up, or has published all for the first time.
        connected: whether its channel is open; None where that cannot be seen (a Xen guest).
        left: whether it has taken its version away, as agents do when they are stopped.
    """

    started: float
    first: float | None = None
    last: float | None = None
    up: bool = False
    connected: bool | None = None
    left: bool = False


@record
class Standing:
    """The state, since when, and why.

    Attributes:
        state: see `AgentState`.
        age: seconds since the last sign; None when there was none.
        reason: for people.
        until: when it will change if nothing happens; None when it will not.
    """

    state: AgentState
    age: float | None
    reason: str
    until: float | None


def standing(signs: Signs, now: float, ages: Ages | None = None) -> Standing:
    """The state of an agent.

    Args:
        signs: what was seen.
        now: seconds, of the same clock.
        ages: limits.
    """
    ages = ages or Ages()
    if signs.first is None or signs.last is None:
        reason = f"nothing was heard in the {max(0.0, now - signs.started):.0f} s since the domain started"
        return Standing(state=AgentState.NEVER, age=None, reason=reason, until=None)
    age = max(0.0, now - signs.last)
    if signs.connected is False:
        return Standing(state=AgentState.LOST, age=age, reason="its channel is closed", until=None)
    if signs.left:
        return Standing(state=AgentState.LOST, age=age, reason="it was stopped in the guest", until=None)
    quiet = f"its last sign is {age:.0f} s old"
    if not signs.up and now - signs.first < ages.booting and age < ages.lost:
        until = min(signs.first + ages.booting, signs.last + ages.lost)
        return Standing(state=AgentState.BOOTING, age=age, reason="it has not said all yet", until=until)
    if age < ages.stale:
        return Standing(state=AgentState.LIVE, age=age, reason=quiet, until=signs.last + ages.stale)
    if age < ages.lost:
        return Standing(state=AgentState.STALE, age=age, reason=quiet, until=signs.last + ages.lost)
    return Standing(state=AgentState.LOST, age=age, reason=quiet, until=None)
