"""libvirt's event numbers as our events."""

from __future__ import annotations

import pytest

from guestwright.hypervisor.drivers.libvirt.happenings import lifecycle, port_change
from guestwright.hypervisor.events import EventKind, Reason


@pytest.mark.parametrize(
    ("event", "detail", "wanted"),
    [
        (0, 0, (EventKind.DEFINED, Reason.NONE)),
        (2, 0, (EventKind.STARTED, Reason.BOOTED)),
        (2, 1, (EventKind.STARTED, Reason.MIGRATED)),
        (3, 2, (EventKind.PAUSED, Reason.STORAGE)),
        (5, 0, (EventKind.STOPPED, Reason.GUEST)),
        (5, 2, (EventKind.STOPPED, Reason.CRASHED)),
        (5, 77, (EventKind.STOPPED, Reason.NONE)),
        (8, 0, (EventKind.CRASHED, Reason.NONE)),
        (99, 0, None),
    ],
)
def test_lifecycle(event: int, detail: int, wanted: tuple[EventKind, Reason] | None) -> None:
    assert lifecycle(event, detail) == wanted


@pytest.mark.parametrize(
    ("details", "wanted"),
    [
        ('{"id": "channel0", "open": true}', (EventKind.PORT_OPENED, "channel0")),
        ('{"id": "channel0", "open": false}', (EventKind.PORT_CLOSED, "channel0")),
        ('{"open": true}', None),
        ("[]", None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_ports(details: str, wanted: tuple[EventKind, str] | None) -> None:
    assert port_change(details) == wanted
