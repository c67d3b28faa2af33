"""Disks and network cards of machines and templates, as the inventory keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import Device, DiskFormat, Persistence
from guestwright.engine.inventory.model import Disk, Drive, Nic, StorageDomain, TemplateVersion, Vm, Volume
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates.errors import BadTemplateRequest
from guestwright.engine.templates.host_port import Place
from guestwright.engine.templates.inventory_port import DiskOf
from guestwright.engine.templates.standings import begins

_BUSES: Final = {"vd": "virtio", "sd": "scsi", "hd": "ide", "xv": "xen", "fd": "fdc"}
_NAMESPACE: Final = uuid.UUID("0a4cbb0c-2f63-4f0c-8a43-5b8a3f6f0a9d")


def bus_of(target: str) -> str:
    """What a drive of this name hangs on."""
    return _BUSES.get(target[:2], "virtio")


def derived(*parts: object) -> str:
    """A UUID for a part of something: the same each time, so that what is recorded twice is recorded once."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, parts))))


def storage_at(tx: Transaction, place: Place) -> StorageDomain:
    """The storage domain of a place.

    Raises:
        BadTemplateRequest: the inventory has none of this name on this host.
    """
    wanted = (Filter("host_id", Op.IS, place.host), Filter("name", Op.IS, place.domain))
    found = tx.storage.all(*wanted, most=1)
    if not found:
        raise BadTemplateRequest(field="domain", problem=f"host {place.host} has no storage {place.domain}")
    return found[0]


def disks_of(tx: Transaction, thing: Vm | TemplateVersion) -> tuple[DiskOf, ...]:
    """The disks in the drives of a machine or template, the boot disk first."""
    found = []
    for drive in _drives(tx, thing):
        disk = tx.disks.get(drive.disk_id) if drive.disk_id is not None else None
        if drive.device is Device.DISK and disk is not None and disk.volume_id is not None:
            volume = tx.volumes.get(disk.volume_id)
            domain = tx.storage.get(volume.domain_id)
            place = Place(host=domain.host_id, domain=domain.name, volume=volume.id)
            found.append(
                DiskOf(disk=disk.id, place=place, size=volume.size, format=volume.format, target=drive.target)
            )
    return tuple(found)


def payload_of(tx: Transaction, version: TemplateVersion) -> tuple[str, bool]:
    """The payload that machines made from a version get, by id, and whether at their first start only."""
    found = tx.payload_uses.all(Filter("template_version_id", Op.IS, version.id), most=1)
    return (found[0].payload_id, found[0].persistence is Persistence.RUN_ONCE) if found else ("", False)


def description_of(tx: Transaction, thing: Vm | TemplateVersion) -> dict[str, Any]:
    """What of a machine is not its disks, without anything that only one machine can have."""
    nics = tx.nics.all(_part_of(thing))
    return {
        "vcpus": thing.vcpus,
        "memory": thing.memory,
        "os_family": thing.os_family,
        "firmware": thing.firmware,
        "machine": thing.machine,
        "nics": [{"network": one.network, "bridge": one.bridge, "model": one.model} for one in nics],
    }


def hardware(description: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a machine or template version from what `description_of` gave."""
    return {name: description[name] for name in ("vcpus", "memory", "os_family", "firmware", "machine")}


def add_disks(
    tx: Transaction, thing: Vm | TemplateVersion, name: str, job: str, disks: Sequence[DiskOf], *, seal: bool
) -> None:
    """Keep volumes that are going to be made, with disks and drives for them."""
    state, kind, sealing = begins(seal=seal, shared=isinstance(thing, TemplateVersion))
    vm, version = _owner(thing)
    for position, disk in enumerate(disks):
        volume = Volume(
            id=disk.place.volume,
            domain_id=storage_at(tx, disk.place).id,
            format=DiskFormat(disk.format),
            size=disk.size,
            state=state,
            kind=kind,
            sealing=sealing,
            job=job,
        )
        tx.volumes.add(volume)
        tx.disks.add(Disk(id=disk.disk, name=f"{name}-{disk.target}", volume_id=volume.id))
        tx.drives.add(
            Drive(
                id=derived(thing.id, "drive", position),
                device=Device.DISK,
                bus=bus_of(disk.target),
                target=disk.target,
                disk_id=disk.disk,
                position=position,
                vm_id=vm,
                template_version_id=version,
            )
        )


def add_nics(tx: Transaction, thing: Vm | TemplateVersion, description: Mapping[str, Any]) -> None:
    """Keep network cards, without addresses."""
    vm, version = _owner(thing)
    for position, one in enumerate(description["nics"]):
        tx.nics.add(
            Nic(
                id=derived(thing.id, "nic", position),
                position=position,
                vm_id=vm,
                template_version_id=version,
                **one,
            )
        )


def disk_ids(tx: Transaction, thing: Vm | TemplateVersion) -> list[str]:
    """Disks of a machine or template; those whose volume is gone, too."""
    return [one.disk_id for one in _drives(tx, thing) if one.disk_id is not None]


def alone(tx: Transaction, disk: str) -> bool:
    """Whether one machine or template at most has a disk."""
    return tx.drives.count(Filter("disk_id", Op.IS, disk)) <= 1


def condemned(tx: Transaction, disks: Sequence[DiskOf]) -> bool:
    """Whether all volumes of a template are such that were shared, and are not fit for use any more."""
    volumes = [tx.volumes.get(disk.place.volume) for disk in disks]
    return all(
        one.state is states.VolumeState.ILLEGAL and one.kind is states.VolumeKind.SHARED for one in volumes
    )


def condemn(tx: Transaction, volume: str, job: str, reason: str) -> None:
    """A volume is to be removed, or could not be: illegal from now on. No matter if there is none."""
    if tx.volumes.find(volume) is None:
        return
    if tx.volumes.hold(volume).state is states.VolumeState.ILLEGAL:
        tx.volumes.change(volume, None, job=job, reason=reason)
    else:
        tx.volumes.move(volume, states.VOLUME, states.VolumeEvent.CONDEMNED, job=job, reason=reason)


def _drives(tx: Transaction, thing: Vm | TemplateVersion) -> tuple[Drive, ...]:
    return tx.drives.all(_part_of(thing))


def _part_of(thing: Vm | TemplateVersion) -> Filter:
    return Filter("vm_id" if isinstance(thing, Vm) else "template_version_id", Op.IS, thing.id)


def _owner(thing: Vm | TemplateVersion) -> tuple[str | None, str | None]:
    """The machine or the template version that a part belongs to."""
    return (thing.id, None) if isinstance(thing, Vm) else (None, thing.id)
