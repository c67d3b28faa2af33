"""libvirt's errors as ours."""

from __future__ import annotations

import pytest

from guestwright.hypervisor.drivers.libvirt.failures import translated, tray_closed, tray_locked, tray_moved
from guestwright.hypervisor.errors import (
    DomainExists,
    DomainNotFound,
    HypervisorCannot,
    HypervisorRefused,
    MediumNotFound,
    TrayLocked,
    WrongDomainState,
)


@pytest.mark.parametrize(
    ("code", "source", "error"),
    [
        (42, 10, DomainNotFound),
        (28, 10, DomainExists),
        (38, 18, MediumNotFound),
        (38, 10, HypervisorRefused),
        (55, 10, WrongDomainState),
        (3, 10, HypervisorCannot),
        (67, 10, HypervisorCannot),
        (84, 10, HypervisorCannot),
        (1, 10, HypervisorRefused),
        (0, 0, HypervisorRefused),
    ],
)
def test_translated(code: int, source: int, error: type[Exception]) -> None:
    found = translated(code, source, "told\x1b[2J", action="start", domain="d")
    assert type(found) is error
    assert "\x1b" not in found.message


@pytest.mark.parametrize(
    ("code", "words", "error"),
    [
        (9, "timed out waiting to open tray of 'hdc'", TrayLocked),
        (9, "Warten auf das Laufwerk", TrayLocked),
        (1, "Device 'ide0-1-0' is locked and force was not specified, wait for tray", TrayLocked),
        (1, "something else", HypervisorRefused),
        (38, "is locked", HypervisorRefused),
    ],
)
def test_a_locked_tray(code: int, words: str, error: type[Exception]) -> None:
    found = translated(code, 10, words, action="eject", domain="d")
    assert type(tray_locked(found, "d", "hdc")) is error


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        ("unable to execute QEMU command 'blockdev-remove-medium': Tray of device 'ide0' is not open", True),
        ("unable to execute QEMU command 'blockdev-insert-medium': Tray of the device is not open", True),
        ("Tray of the device is open", False),
        ("Connection is not open", False),
    ],
)
def test_a_tray_that_closed_by_itself_is_known_by_qemus_words(words: str, closed: bool) -> None:
    assert tray_closed(HypervisorRefused(action="a", domain="d", detail=words)) == closed


def test_a_tray_that_moved_is_looked_at_again() -> None:
    moved = HypervisorCannot(action="a", domain="d", detail="cannot modify field 'tray' of the disk")
    other = HypervisorCannot(action="a", domain="d", detail="cannot modify field 'bus' of the disk")
    closed = HypervisorRefused(action="a", domain="d", detail="Tray of the device is not open")
    assert [tray_moved(each) for each in (moved, other, closed)] == [True, False, True]
    assert not tray_closed(moved)
