"""What must hold, besides the state of a thing itself, before it may go on."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, func, or_, select

from guestwright.engine.inventory.errors import NotAllowedNow
from guestwright.engine.inventory.states import (
    Power,
    PowerEvent,
    Sealing,
    TemplateEvent,
    VmEvent,
    VmState,
    VolumeKind,
    VolumeState,
)
from guestwright.engine.inventory.tables import disks, drives, template_versions, vms, volumes

_HELD: Final = drives.join(disks, drives.c.disk_id == disks.c.id).outerjoin(
    volumes, disks.c.volume_id == volumes.c.id
)


def fit_for_use(connection: Connection, version: str) -> None:
    """Raise `NotAllowedNow` unless all volumes of a template version are legal, shared, and sealed if wanted.

    Args:
        connection: in a transaction.
        version: id of the template version.
    """
    sealed = connection.scalar(select(template_versions.c.sealed).where(template_versions.c.id == version))
    unfit = [
        volumes.c.id.is_(None),
        volumes.c.state != VolumeState.LEGAL,
        volumes.c.kind != VolumeKind.SHARED,
    ]
    if sealed:
        unfit.append(volumes.c.sealing != Sealing.DONE)
    wrong = and_(drives.c.template_version_id == version, or_(*unfit))
    found = connection.scalar(select(func.count()).select_from(_HELD).where(wrong))
    if found:
        text = "sealed, legal and shared" if sealed else "legal and shared"
        raise NotAllowedNow(
            what="template version",
            event=TemplateEvent.UNLOCKED,
            standing=f"locked with {found} disks that are not {text}",
            possible="complete its disks, or remove it",
        )


def disks_usable(connection: Connection, vm: str) -> None:
    """Raise `NotAllowedNow` unless all disks of a machine are legal."""
    wrong = and_(drives.c.vm_id == vm, or_(volumes.c.id.is_(None), volumes.c.state != VolumeState.LEGAL))
    found = connection.scalar(select(func.count()).select_from(_HELD).where(wrong))
    if found:
        raise NotAllowedNow(
            what="machine",
            event="use its disks",
            standing=f"with {found} disks that are not legal",
            possible="wait for the jobs at work on its disks, or detach them",
        )


def may_start(connection: Connection, vm: str) -> None:
    """Raise `NotAllowedNow` unless nobody works on a machine and all its disks are legal."""
    state = connection.scalar(select(vms.c.state).where(vms.c.id == vm))
    if state is not VmState.READY:
        possible = "wait until it is ready"
        raise NotAllowedNow(what="machine", event=PowerEvent.START, standing=state, possible=possible)
    disks_usable(connection, vm)


def off(connection: Connection, vm: str) -> None:
    """Raise `NotAllowedNow` unless a machine is off."""
    power = connection.scalar(select(vms.c.power).where(vms.c.id == vm))
    if power is not Power.OFF:
        possible = "shut it down first"
        raise NotAllowedNow(what="machine", event=VmEvent.LOCKED, standing=power, possible=possible)
