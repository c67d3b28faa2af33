"""Domains as the store knows them, and their life as a table.

Theory of operation: a `Domain` stands for one *life* of a domain id. Permissions and ownership refer to the
object, never to the number; a number that is used again gets a new object, so nothing that the former
domain held can reach the new one (XSA-322, XSA-417, XSA-419, XSA-483 are that class of fault).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

from guestwright.xenstore.core import path
from guestwright.xenstore.core.quota import Limits
from guestwright.xenstore.core.wire import Errno


class Host(Protocol):
    """What the store must ask of the world outside: domains and their rings."""

    def exists(self, domid: int) -> bool:
        """Whether the hypervisor knows the domain."""

    def attach(self, domid: int, gfn: int, port: int) -> Errno | None:
        """Connect to a domain's ring (again, if it was before); the error when that fails."""

    def detach(self, domid: int) -> None:
        """Let go of a domain's ring."""


class AnyDomain:
    """A host where every domain exists and rings are somebody else's business; for tests and embedding."""

    __slots__ = ()

    def exists(self, domid: int) -> bool:
        """Yes."""
        del self, domid
        return True

    def attach(self, domid: int, gfn: int, port: int) -> Errno | None:
        """Nothing to do."""
        del self, domid, gfn, port
        return None

    def detach(self, domid: int) -> None:
        """Nothing to do."""


class Phase(StrEnum):
    """Where a domain is in its life."""

    KNOWN = "known"  # exists and was named in permissions, but is not introduced
    RUNNING = "running"
    SHUT_DOWN = "shut-down"
    GONE = "gone"


class Event(StrEnum):
    """What can happen to a domain."""

    INTRODUCE = "introduce"
    RELEASE = "release"  # the toolstack lets go of it
    RESUME = "resume"
    SHUTDOWN = "shutdown"  # the hypervisor says that it stopped or crashed
    DESTROY = "destroy"  # the hypervisor no longer knows it


class Action(StrEnum):
    """What the store has to do on a transition."""

    ANNOUNCE = "announce"  # fire @introduceDomain
    RECONNECT = "reconnect"  # drop what belonged to the former connection
    CLEAN = "clean"  # forget all that the domain held
    MOURN = "mourn"  # fire @releaseDomain


# (phase, event) -> (next phase, actions in order). What is absent is refused with ENOENT where a client
# asked, and ignored where the hypervisor reported.
TRANSITIONS: Final[dict[tuple[Phase, Event], tuple[Phase, tuple[Action, ...]]]] = {
    (Phase.KNOWN, Event.INTRODUCE): (Phase.RUNNING, (Action.ANNOUNCE,)),
    (Phase.RUNNING, Event.INTRODUCE): (Phase.RUNNING, (Action.RECONNECT,)),
    (Phase.SHUT_DOWN, Event.INTRODUCE): (Phase.SHUT_DOWN, (Action.RECONNECT,)),
    (Phase.RUNNING, Event.RELEASE): (Phase.GONE, (Action.CLEAN, Action.MOURN)),
    (Phase.SHUT_DOWN, Event.RELEASE): (Phase.GONE, (Action.CLEAN, Action.MOURN)),
    (Phase.RUNNING, Event.RESUME): (Phase.RUNNING, ()),
    (Phase.SHUT_DOWN, Event.RESUME): (Phase.RUNNING, ()),
    (Phase.RUNNING, Event.SHUTDOWN): (Phase.SHUT_DOWN, (Action.MOURN,)),
    (Phase.KNOWN, Event.DESTROY): (Phase.GONE, (Action.CLEAN,)),
    (Phase.RUNNING, Event.DESTROY): (Phase.GONE, (Action.CLEAN, Action.MOURN)),
    (Phase.SHUT_DOWN, Event.DESTROY): (Phase.GONE, (Action.CLEAN, Action.MOURN)),
}


class Domain:
    """One life of a domain id.

    Attributes:
        domid: its number.
        privileged: whether it may do everything and has no quotas.
        base: what its relative paths are below, with a slash at the end.
        phase: where it is in its life.
        target: the domain whose rights it has as well (a device model's guest).
        limits: its quotas; the store's own object until one of them is set for this domain.
        owned: paths of the nodes that it owns; kept for domains without privileges only.
        memory: bytes held on its behalf; likewise.
        watches: watches that it has registered.
        features: what GET_FEATURE says to it.
        spellings: paths that it has used lately, in their absolute form; privileged domains only.
    """

    __slots__ = (
        "base",
        "domid",
        "features",
        "limits",
        "memory",
        "owned",
        "phase",
        "privileged",
        "spellings",
        "target",
        "watches",
    )

    def __init__(self, domid: int, limits: Limits, *, privileged: bool = False, features: int = 0) -> None:
        self.domid = domid
        self.privileged = privileged
        self.base = path.home(domid) + b"/"
        self.phase = Phase.KNOWN
        self.target: Domain | None = None
        self.limits = limits
        self.owned: dict[bytes, None] = {}
        self.memory = 0
        self.watches = 0
        self.features = features
        self.spellings: dict[bytes, bytes] = {}

    @property
    def introduced(self) -> bool:
        """Whether it may talk to the store."""
        return self.phase is Phase.RUNNING or self.phase is Phase.SHUT_DOWN
