"""What happens to domains, as it is told to those who listen."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from guestwright.base.record import record
from guestwright.hypervisor.domain import DomainId


class EventKind(StrEnum):
    """What happened."""

    DEFINED = "defined"
    UNDEFINED = "undefined"
    STARTED = "started"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    CRASHED = "crashed"
    SLEEPING = "sleeping"
    REBOOTED = "rebooted"
    MEMORY = "memory"  # the balloon moved
    TRAY = "tray"  # the guest opened or closed a drive
    DETACHED = "detached"  # a device is gone
    PORT_OPENED = "port-opened"  # a program in the guest has opened a channel
    PORT_CLOSED = "port-closed"  # or closed it, or ended
    LOST = "connection-lost"
    FOUND = "connection-found"  # what happened in between is unknown: list again
    MISSED = "events-missed"  # there were more than the listener could take: list again


class Reason(StrEnum):
    """Why it happened, as far as the hypervisor says."""

    NONE = ""
    BOOTED = "booted"
    RESTORED = "restored"
    MIGRATED = "migrated"
    GUEST = "guest"  # the guest ended by itself or because it was asked to
    DESTROYED = "destroyed"
    CRASHED = "crashed"
    SAVED = "saved"
    FAILED = "failed"  # it did not start, or the hypervisor's own process died
    ASKED = "asked"
    STORAGE = "storage"  # paused because a write failed: the disk is full or away


@record
class Event:
    """One thing that happened.

    Attributes:
        kind: what.
        domain: to which domain; None for the connection's own events.
        name: of the domain.
        reason: why.
        detail: the drive for TRAY and DETACHED, bytes for MEMORY, the channel's alias for PORT_OPENED and
            PORT_CLOSED; else "".
    """

    kind: EventKind
    domain: DomainId | None = None
    name: str = ""
    reason: Reason = Reason.NONE
    detail: str = ""


class Listener(Protocol):
    """Takes events, one after the other, on a thread of the driver's. It may call the hypervisor."""

    def __call__(self, event: Event, /) -> None:
        """Take note of `event`."""


class Subscription(Protocol):
    """A listener's place in the row."""

    def close(self) -> None:
        """Tell no more. May be called twice; an event under way may still arrive."""
