"""libvirt's event numbers as our events. Numbers: libvirt-domain.h (virDomainEventType and its details)."""

from __future__ import annotations

import json
from typing import Any, Final

from guestwright.hypervisor.events import EventKind, Reason

_KINDS: Final = {
    0: EventKind.DEFINED,
    1: EventKind.UNDEFINED,
    2: EventKind.STARTED,
    3: EventKind.PAUSED,
    4: EventKind.UNPAUSED,
    5: EventKind.STOPPED,
    6: EventKind.STOPPING,
    7: EventKind.SLEEPING,
    8: EventKind.CRASHED,
}
_REASONS: Final = {
    (2, 0): Reason.BOOTED,
    (2, 1): Reason.MIGRATED,
    (2, 2): Reason.RESTORED,
    (2, 3): Reason.RESTORED,
    (3, 0): Reason.ASKED,
    (3, 1): Reason.MIGRATED,
    (3, 2): Reason.STORAGE,
    (3, 6): Reason.FAILED,
    (3, 7): Reason.MIGRATED,
    (3, 8): Reason.FAILED,
    (4, 0): Reason.ASKED,
    (4, 1): Reason.MIGRATED,
    (4, 3): Reason.MIGRATED,
    (5, 0): Reason.GUEST,
    (5, 1): Reason.DESTROYED,
    (5, 2): Reason.CRASHED,
    (5, 3): Reason.MIGRATED,
    (5, 4): Reason.SAVED,
    (5, 5): Reason.FAILED,
    (6, 1): Reason.GUEST,
    (6, 2): Reason.DESTROYED,
}


PORT_CHANGE: Final = "VSERPORT_CHANGE"
"""QEMU's word for an opened or closed port (qapi/char.json). libvirt tells of qemu-ga's port only."""


def port_change(details: str) -> tuple[EventKind, str] | None:
    """What QEMU says of a port, and the port's alias; None for what is not as it should be."""
    try:
        told: Any = json.loads(details)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        return None
    return (EventKind.PORT_OPENED if told.get("open") is True else EventKind.PORT_CLOSED), told["id"]


def lifecycle(event: int, detail: int) -> tuple[EventKind, Reason] | None:
    """What a life-cycle event means; None for one of a later libvirt that says nothing to us."""
    kind = _KINDS.get(event)
    return None if kind is None else (kind, _REASONS.get((event, detail), Reason.NONE))
