"""What the service of a host offers to its API, its jobs and its tests: values, and one protocol.

Theory of operation: calls come from any thread and may wait for the hypervisor; none of them waits for a
guest. Values are records, as they are at the moment of the call. All times are seconds since 1970, however
the service itself measures them. What happens is published as events (`EventKind`) with the uuid of the
domain as their subject; each says which values to read again, and carries what changed.

What a guest says is a claim: texts are one printable line each and bounded (`facts.intake`), never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, Protocol

from guestwright import __version__
from guestwright.base.record import field, record
from guestwright.host.capabilities import Answer, Operation, Power
from guestwright.host.facts.duplicates import Duplicate
from guestwright.host.facts.intake import Problem
from guestwright.host.facts.metrics import Metrics
from guestwright.host.facts.observations import Agreed, Source
from guestwright.host.facts.state import AgentState
from guestwright.host.facts.tools import Verdict
from guestwright.hypervisor.domain import Domain
from guestwright.hypervisor.spec import Migration


class EventKind(StrEnum):
    """Kinds of events that the service publishes, with what their data holds."""

    DOMAIN_ADDED = "domain-added"  # name, owned, power
    DOMAIN_REMOVED = "domain-removed"  # name
    DOMAIN_CHANGED = "domain-changed"  # name, power, cause: the hypervisor's event, reason
    FACTS_CHANGED = "facts-changed"  # changes: name of the fact to its value; source
    AGENT_CHANGED = "agent-changed"  # before, state, reason
    DUPLICATE_FOUND = "duplicate-found"  # kind, value, domains
    DUPLICATE_OVER = "duplicate-over"  # kind, value, domains
    FACTS_DISAGREE = "facts-disagree"  # about: what, text: who says what; "" when that is over
    CHANNEL_CHANGED = "channel-changed"  # state, reason
    HYPERVISOR_LOST = "hypervisor-lost"
    HYPERVISOR_FOUND = "hypervisor-found"
    STORE_LOST = "store-lost"
    STORE_FOUND = "store-found"


class ChannelState(StrEnum):
    """How a domain's agent reaches the store."""

    OFF = "off"  # the domain does not run
    ABSENT = "absent"  # it has no port for the agent; see `HostService.plug_channel`
    WAITING = "waiting"  # the port is there, the hypervisor does not answer at it yet
    CONNECTED = "connected"
    NATIVE = "native"  # Xen: the guest's kernel talks to xenstored


class PowerAction(StrEnum):
    """What `HostService.power` can do; each is the operation of the same name in `capabilities`."""

    START = "start"
    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    KILL = "kill"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SUSPEND = "suspend"
    RESUME = "resume"


@record
class Fact:
    """One thing that is known of a guest.

    Attributes:
        name: field of `facts.decode.Told`: "system", "nics", "memory", …
        value: a record of `agent.core.facts`, a tuple of these, a mapping or a text.
        source: who says so.
        since: when it was first seen as it is.
        seen: when it was last seen so.
    """

    name: str
    value: Any
    source: Source
    since: float
    seen: float


@record
class Agent:
    """A guest's agent.

    Attributes:
        state: see `AgentState`.
        reason: why that is known, for people.
        last: when it was last heard; None for never.
        version: of this project's agent; "" of others.
    """

    state: AgentState
    reason: str
    last: float | None = None
    version: str = ""


@record
class Guest:
    """What is known of the guest in a domain that runs.

    Attributes:
        uuid: of the domain.
        domid: number of its directory in the store, for this life only.
        agent: whether it is heard.
        facts: name to fact; only what somebody says something about.
        features: what it offers: name without "feature-" to "1", or why not.
        tools: whether its tools are up to date.
        metrics: as XenAPI's `VM_guest_metrics`.
        agreed: subject ("hostname", "os", "cards", "mac:…") to what is shown, with disagreements.
        problems: the first few of what was refused of what it wrote.
        refused: how much was refused.
    """

    uuid: str
    domid: int
    agent: Agent
    facts: Mapping[str, Fact]
    features: Mapping[str, str]
    tools: Verdict
    metrics: Metrics
    agreed: Mapping[str, Agreed] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    refused: int = 0


@record
class Known:
    """A domain of this host.

    Attributes:
        domain: as the hypervisor has it, when the service last looked.
        power: its state.
        domid: number of its directory in the store; None when it does not run.
        agent: None when it does not run.
        channel: how its agent reaches the store.
        channel_reason: for people; "" when there is nothing to say.
        busy: the operation that is under way; None without one.
        since: since when it is known, or runs.
    """

    domain: Domain
    power: Power
    domid: int | None
    agent: Agent | None
    channel: ChannelState
    channel_reason: str = ""
    busy: Operation | None = None
    since: float = 0.0


@record
class AboutHost:
    """The service and what it stands on.

    Attributes:
        hostname: as the hypervisor knows its host.
        hypervisor: "QEMU", "Xen" or "fake".
        hypervisor_version: of it.
        uri: of the hypervisor.
        version: of Guestwright.
        store: "own" (we serve it, KVM) or "xenstored".
        started: when the service started.
        hypervisor_lost: since when the hypervisor is away; None while it answers.
        store_lost: since when the store is away; None while it answers.
        granted: what this host's operator allows of what has to be allowed.
        cpus: processors of the host; 0 where nobody knows.
        memory: bytes that the host has for itself and all guests; 0 where nobody knows.
    """

    hostname: str
    hypervisor: str
    hypervisor_version: str
    uri: str
    version: str = __version__
    store: str
    started: float
    hypervisor_lost: float | None = None
    store_lost: float | None = None
    granted: frozenset[Operation] = frozenset()
    cpus: int = 0
    memory: int = 0


@record
class Figures:
    """Counters since the start, and gauges; for metrics.

    Attributes:
        domains: known ones, by `Power`.
        agents: of running domains, by `AgentState`.
        channels: by `ChannelState`.
        touches: changes in the store that were told.
        looks: times that a guest was read because of them.
        nodes_read: nodes asked for in these.
        whole_reads: guests that were read as a whole: new ones, and after events were lost.
        facts_changed: events of facts.
        refused: keys of guests that are not looked at now.
        duplicates: identities claimed twice now.
        hypervisor_losses: how often the hypervisor went away.
        store_losses: how often the store did.
        delay_seconds: from the first change to the end of the look, of the last looks; the newest last.
    """

    domains: Mapping[str, int]
    agents: Mapping[str, int]
    channels: Mapping[str, int]
    touches: int = 0
    looks: int = 0
    nodes_read: int = 0
    whole_reads: int = 0
    facts_changed: int = 0
    refused: int = 0
    duplicates: int = 0
    hypervisor_losses: int = 0
    store_losses: int = 0
    delay_seconds: tuple[float, ...] = ()


class Publisher(Protocol):
    """Where events go; `host.journal.Journal` is one. It never waits for a reader."""

    def publish(self, kind: str, subject: str = "", data: Mapping[str, Any] | None = None) -> object:
        """Add an event."""


class HostService(Protocol):
    """The service. Calls with a uuid raise `DomainNotFound` for one that is not known."""

    def about(self) -> AboutHost:
        """What this is."""

    def figures(self) -> Figures:
        """Counters and gauges."""

    def domains(self) -> tuple[Known, ...]:
        """All domains of the host, by name."""

    def domain(self, uuid: str) -> Known:
        """One domain."""

    def refresh(self, uuid: str) -> Known:
        """One domain, looked at now: what others have changed may not have been told, as media in drives.

        Raises:
            HypervisorError: it cannot be looked at.
        """

    def guest(self, uuid: str) -> Guest | None:
        """What is known of the guest; None when the domain does not run."""

    def capabilities(self, uuid: str) -> tuple[Answer, ...]:
        """Each operation: allowed, or refused with cause, text and remedy."""

    def duplicates(self) -> tuple[Duplicate, ...]:
        """Identities that several domains claim now."""

    def claim(self, uuid: str, operation: Operation) -> AbstractContextManager[Known]:
        """Keep a domain for one operation, for the time of a `with` block; others see it as busy.

        Raises:
            OperationRefused: it is not possible now; the error has cause and remedy.
        """

    def power(self, uuid: str, action: PowerAction) -> Known:
        """Change a domain's power state; waits for the hypervisor, not for the guest.

        Returns:
            the domain afterwards.

        Raises:
            OperationRefused: it is not possible now.
            HypervisorError: the hypervisor did not do it.
        """

    def migrate(self, uuid: str, how: Migration) -> None:
        """Move a domain to another host; waits until it is there. Its payloads went before.

        Raises:
            OperationRefused: it is not possible now.
            MigrationRefused: it stays here, running. HypervisorError: the hypervisor did not do it.
            MigrationCancelled: it stays here, running; `cancel_migration` was called.
        """

    def cancel_migration(self, uuid: str) -> bool:
        """Call a domain's move off, if one is under way; `migrate` says how it ended."""

    def plug_channel(self, uuid: str) -> Known:
        """Give a domain that lacks it the agent's port: now if it runs and can be, and from the next start.

        Raises:
            HypervisorError: the hypervisor did not do it.
        """
