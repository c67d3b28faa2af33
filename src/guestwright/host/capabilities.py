"""What may be done with a domain now: allowed, or refused with the cause and what to do about it.

Theory of operation: one table says what each operation needs; `judge` looks at the needs in a fixed order,
from what an operator decided to what the guest offers, and answers with the first that is missing. XAPI tells
that a feature is missing only when the operation is tried, and not why; here the same answer is given before.

An agent is asked for only where the guest's kernel or firmware cannot do without: a clean shutdown reaches
every guest with known drivers. A stale agent may still answer, so that is no refusal except for operations
that would change the guest half-way.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from guestwright.base.record import field, record
from guestwright.host.facts.state import AgentState


class Power(StrEnum):
    """State of a domain."""

    HALTED = "halted"
    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"


class Operation(StrEnum):
    """What can be done with a domain."""

    START = "start"
    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    KILL = "kill"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SUSPEND = "suspend"
    RESUME = "resume"
    MIGRATE = "migrate"
    MEMORY_TARGET = "memory-target"
    CD_INSERT = "cd-insert"
    CD_EJECT = "cd-eject"
    SYSPREP = "sysprep"
    EXEC = "exec"
    FILE = "file"
    CLIPBOARD = "clipboard"
    FREEZE = "fsfreeze"
    SET_TIME = "set-time"
    SET_HOSTNAME = "set-hostname"
    SET_ADDRESS = "set-address"


class Cause(StrEnum):
    """Why an operation is refused."""

    BLOCKED = "blocked-by-operator"
    ROLE = "not-allowed-on-this-host"
    TEMPLATE = "is-a-template"
    POWER = "wrong-power-state"
    BUSY = "another-operation"
    DEVICES = "devices-of-the-host"
    NEVER_SEEN = "agent-never-seen"
    BOOTING = "agent-booting"
    STALE = "agent-stale"
    LOST = "agent-lost"
    NOT_OFFERED = "feature-not-offered"
    DENIED = "denied-in-the-guest"
    NOT_SUSPENDABLE = "guest-cannot-suspend"
    NO_DRIVE = "no-drive"


@record
class Situation:
    """A domain now.

    Attributes:
        power: its state.
        agent: of its agent.
        agent_reason: why that is known, for people.
        features: what the guest offers, name without "feature-" to "1" or why not.
        drivers: whether the versions of its drivers are known, or it runs paravirtualised.
        cannot_suspend: the guest's reason why it cannot be suspended; "" without one.
        template: whether it is one.
        busy: the operation that is under way; None without one.
        blocked: what the operator has forbidden, with the reason.
        granted: what this host's role allows of what needs to be allowed; see `GUARDED`.
        devices: of the host that are passed through and cannot move.
        drives: CD drives that it has.
        free_drives: of these, how many are empty.
        hotplug: whether a drive can be plugged in.
    """

    power: Power
    agent: AgentState = AgentState.NEVER
    agent_reason: str = ""
    features: Mapping[str, str] = field(default_factory=dict)
    drivers: bool = False
    cannot_suspend: str = ""
    template: bool = False
    busy: Operation | None = None
    blocked: Mapping[Operation, str] = field(default_factory=dict)
    granted: frozenset[Operation] = frozenset()
    devices: tuple[str, ...] = ()
    drives: int = 0
    free_drives: int = 0
    hotplug: bool = False


@record
class Answer:
    """Whether an operation is possible.

    Attributes:
        operation: which.
        cause: why not; None when it is allowed.
        text: the same for people; "" when it is allowed.
        remedy: what to do about it; "" when it is allowed.
    """

    operation: Operation
    cause: Cause | None = None
    text: str = ""
    remedy: str = ""

    @property
    def allowed(self) -> bool:
        """Whether it may be done."""
        return self.cause is None


@record
class _Need:
    """What an operation needs; see `_NEEDS`."""

    power: frozenset[Power]
    agent: bool = False
    features: tuple[str, ...] = ()
    drivers_do: bool = False
    moves: bool = False
    saves: bool = False
    drive: str = ""
    template: bool = False


_HALTED: Final = frozenset((Power.HALTED,))
_RUNNING: Final = frozenset((Power.RUNNING,))
_PAUSED: Final = frozenset((Power.PAUSED,))
_ALIVE: Final = _RUNNING | _PAUSED
_NEEDS: Final[Mapping[Operation, _Need]] = {
    Operation.START: _Need(power=_HALTED),
    Operation.SHUTDOWN: _Need(power=_RUNNING, features=("shutdown", "poweroff"), drivers_do=True),
    Operation.REBOOT: _Need(power=_RUNNING, features=("shutdown", "reboot"), drivers_do=True),
    Operation.KILL: _Need(power=_ALIVE | {Power.SUSPENDED}),
    Operation.PAUSE: _Need(power=_RUNNING),
    Operation.UNPAUSE: _Need(power=_PAUSED),
    Operation.SUSPEND: _Need(power=_RUNNING, features=("suspend",), drivers_do=True, moves=True, saves=True),
    Operation.RESUME: _Need(power=frozenset((Power.SUSPENDED,))),
    Operation.MIGRATE: _Need(power=_ALIVE, features=("suspend",), drivers_do=True, moves=True, saves=True),
    Operation.MEMORY_TARGET: _Need(power=_ALIVE, features=("balloon",)),
    Operation.CD_INSERT: _Need(power=_HALTED | _ALIVE, drive="empty", template=True),
    Operation.CD_EJECT: _Need(power=_HALTED | _ALIVE, drive="full", template=True),
    Operation.SYSPREP: _Need(power=_RUNNING, agent=True, features=("sysprep",), drive="any"),
    Operation.EXEC: _Need(power=_RUNNING, agent=True, features=("exec",)),
    Operation.FILE: _Need(power=_RUNNING, agent=True, features=("file",)),
    Operation.CLIPBOARD: _Need(power=_RUNNING, agent=True, features=("clipboard",)),
    Operation.FREEZE: _Need(power=_RUNNING, agent=True, features=("fsfreeze",)),
    Operation.SET_TIME: _Need(power=_RUNNING, agent=True, features=("settime",)),
    Operation.SET_HOSTNAME: _Need(power=_RUNNING, agent=True, features=("setcomputername",)),
    Operation.SET_ADDRESS: _Need(power=_RUNNING, agent=True, features=("static-ip-setting",)),
}
GUARDED: Final = frozenset(
    (
        Operation.EXEC,
        Operation.FILE,
        Operation.CLIPBOARD,
        Operation.SET_TIME,
        Operation.SET_HOSTNAME,
        Operation.SET_ADDRESS,
    )
)
"""What a host allows only when its operator says so."""
_DURING: Final = frozenset((Operation.KILL, Operation.CD_EJECT))  # whatever else is under way
_AGENTS: Final = {
    AgentState.NEVER: (
        Cause.NEVER_SEEN,
        "no agent was ever seen in this guest",
        "install the agent in the guest; on KVM the domain needs the agent's virtio-serial port as well",
    ),
    AgentState.BOOTING: (Cause.BOOTING, "the guest is booting", "wait until it is up"),
    AgentState.STALE: (
        Cause.STALE,
        "the agent has not been heard of for some time",
        "see whether the guest hangs or is starved; try again",
    ),
    AgentState.LOST: (
        Cause.LOST,
        "the agent does not answer any more",
        "restart the agent in the guest: its service is `guestwright-agent`",
    ),
}


def judge(operation: Operation, now: Situation) -> Answer:
    """Whether an operation is possible.

    Args:
        operation: which.
        now: the domain as it is.
    """
    need = _NEEDS[operation]
    for check in (_decided, _state, _mobile, _agent, _feature, _drive):
        refused = check(operation, need, now)
        if refused is not None:
            return refused
    return Answer(operation=operation)


def all_answers(now: Situation) -> dict[Operation, Answer]:
    """Every operation."""
    return {operation: judge(operation, now) for operation in Operation}


def _decided(operation: Operation, need: _Need, now: Situation) -> Answer | None:
    if operation in now.blocked:
        text = f"it was blocked: {now.blocked[operation]}" if now.blocked[operation] else "it was blocked"
        return _no(operation, Cause.BLOCKED, text, "have whoever blocked it lift that")
    if operation in GUARDED and operation not in now.granted:
        text = f"{operation} is off on this host"
        return _no(
            operation, Cause.ROLE, text, f"allow {operation} in the configuration of the host's service"
        )
    if now.template and not need.template:
        return _no(operation, Cause.TEMPLATE, "it is a template", "make a domain from the template first")
    return None


def _state(operation: Operation, need: _Need, now: Situation) -> Answer | None:
    if now.power not in need.power:
        wanted = " or ".join(sorted(need.power))
        remedy = "start it" if now.power is Power.HALTED else f"bring it to the state {wanted}"
        return _no(operation, Cause.POWER, f"it is {now.power}; it must be {wanted}", remedy)
    if now.busy is not None and operation not in _DURING:
        return _no(
            operation, Cause.BUSY, f"{now.busy} is under way", f"wait until {now.busy} is over, or cancel it"
        )
    return None


def _mobile(operation: Operation, need: _Need, now: Situation) -> Answer | None:
    if need.moves and now.devices:
        text = f"it has devices of the host: {', '.join(now.devices[:8])}"
        return _no(operation, Cause.DEVICES, text, "take the devices out first")
    if need.saves and now.cannot_suspend:
        text = f"the guest says that it cannot be suspended: {now.cannot_suspend}"
        return _no(operation, Cause.NOT_SUSPENDABLE, text, "end in the guest what keeps it, or shut it down")
    return None


def _agent(operation: Operation, need: _Need, now: Situation) -> Answer | None:
    if not need.agent or now.agent is AgentState.LIVE:
        return None
    cause, text, remedy = _AGENTS[now.agent]
    return _no(operation, cause, f"{text}: {now.agent_reason}" if now.agent_reason else text, remedy)


def _feature(operation: Operation, need: _Need, now: Situation) -> Answer | None:
    states = [now.features.get(name, "") for name in need.features]
    if not states or "1" in states or (need.drivers_do and now.drivers):
        return None
    denied = next((one for one in states if one not in ("", "0")), "")
    if denied:
        text = f"the guest does not allow it: {denied}"
        return _no(
            operation, Cause.DENIED, text, "the owner of the guest decides: /etc/guestwright/agent.toml there"
        )
    names = " or ".join(f"feature-{name}" for name in need.features)
    return _no(
        operation, Cause.NOT_OFFERED, f"the guest does not offer {names}", "install or update its tools"
    )


def _drive(operation: Operation, need: _Need, now: Situation) -> Answer | None:
    if need.drive == "empty" and not now.free_drives:
        if now.drives:
            return _no(
                operation, Cause.NO_DRIVE, "its CD drives are all in use", "eject one, or change the CD"
            )
        return _no(operation, Cause.NO_DRIVE, "it has no CD drive", "add one")
    if need.drive == "full" and now.drives <= now.free_drives:
        return _no(
            operation, Cause.NO_DRIVE, "there is no CD in any of its drives", "there is nothing to eject"
        )
    if need.drive == "any" and not now.free_drives and not now.hotplug:
        text = "it has no CD drive that is free, and none can be plugged in"
        return _no(operation, Cause.NO_DRIVE, text, "eject a CD, or add a drive and start the domain again")
    return None


def _no(operation: Operation, cause: Cause, text: str, remedy: str) -> Answer:
    return Answer(operation=operation, cause=cause, text=text, remedy=remedy)
