"""libvirt's errors as ours. Numbers: libvirt's virterror.h; they never change."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from guestwright.hypervisor.errors import (
    DomainExists,
    DomainNotFound,
    HypervisorCannot,
    HypervisorError,
    HypervisorRefused,
    MediumNotFound,
    TrayLocked,
    WrongDomainState,
)


class Code(IntEnum):
    """VIR_ERR_…: what went wrong."""

    NO_SUPPORT = 3
    OPERATION_FAILED = 9
    XML_ERROR = 27
    DOM_EXIST = 28
    SYSTEM_ERROR = 38
    NO_DOMAIN = 42
    OPERATION_INVALID = 55
    CONFIG_UNSUPPORTED = 67
    OPERATION_TIMEOUT = 68
    ARGUMENT_UNSUPPORTED = 74
    OPERATION_ABORTED = 78
    OPERATION_UNSUPPORTED = 84
    AGENT_UNRESPONSIVE = 86
    DEVICE_MISSING = 99


class Source(IntEnum):
    """VIR_FROM_…: which part of libvirt says so."""

    STORAGE = 18


_CANNOT: Final = frozenset(
    {
        Code.NO_SUPPORT,
        Code.XML_ERROR,
        Code.CONFIG_UNSUPPORTED,
        Code.ARGUMENT_UNSUPPORTED,
        Code.OPERATION_UNSUPPORTED,
    }
)
_MOVED: Final = "'tray'"  # libvirt: "cannot modify field 'tray' of the disk"
# What only QEMU's words tell (block/qapi-sysemu.c); libvirt passes them on untranslated.
_LOCKED: Final = "is locked and force was not specified"
_CLOSED: Final = ("Tray of ", "device", "is not open")


def translated(code: int, source: int, text: str, *, action: str, domain: str) -> HypervisorError:
    """Our error for one of libvirt's.

    Args:
        code: number of the error.
        source: number of the part of libvirt.
        text: its words, perhaps translated: shown, hardly ever looked at.
        action: what was asked for.
        domain: of which domain.
    """
    if code == Code.NO_DOMAIN:
        return DomainNotFound(domain=domain)
    if code == Code.DOM_EXIST:
        return DomainExists(domain=domain, detail=text)
    if code == Code.SYSTEM_ERROR and source == Source.STORAGE:
        return MediumNotFound(path=f"an image of {domain}", detail=text)
    if code == Code.OPERATION_INVALID:
        return WrongDomainState(action=action, domain=domain, expected="otherwise", state=text)
    if code in _CANNOT:
        return HypervisorCannot(action=action, domain=domain, detail=text)
    return HypervisorRefused(action=action, domain=domain, detail=text, number=code)


def tray_locked(error: HypervisorError, domain: str, target: str) -> HypervisorError:
    """`TrayLocked` when the guest kept the drive; the error itself otherwise.

    libvirt asks the guest, waits some seconds for its tray to open, and says "operation failed"; all else
    that fails in a change of a medium has other numbers (`qemuHotplugWaitForTrayEject`).
    """
    refused = isinstance(error, HypervisorRefused)
    if refused and (error.params.get("number") == Code.OPERATION_FAILED or _LOCKED in error.message):
        return TrayLocked(domain=domain, target=target)
    return error


def tray_closed(error: HypervisorError) -> bool:
    """Whether libvirt found the tray that it had opened closed again: a reset of the machine does that."""
    return all(words in str(error.params["detail"]) for words in _CLOSED)


def tray_moved(error: HypervisorError) -> bool:
    """Whether the tray moved between our look at the drive and the change: looking again helps."""
    moved = isinstance(error, HypervisorCannot) and _MOVED in str(error.params["detail"])
    return moved or tray_closed(error)
