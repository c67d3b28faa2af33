"""Things to fill an inventory with."""

from __future__ import annotations

import itertools

from guestwright.engine.inventory.choices import Device, DiskFormat
from guestwright.engine.inventory.model import (
    Disk,
    Drive,
    Host,
    StorageDomain,
    Template,
    TemplateVersion,
    Vm,
    Volume,
)
from guestwright.engine.inventory.states import Sealing
from guestwright.engine.inventory.transaction import Transaction

_numbers = itertools.count(1)
GIB = 1 << 30


def some_id() -> str:
    """Another one each time."""
    return f"00000000-0000-7000-8000-{next(_numbers):012x}"


def vm(name: str, **more: object) -> Vm:
    """A machine that is not kept yet."""
    given: dict[str, object] = {"id": some_id(), "name": name, "vcpus": 2, "memory": 2 * GIB, **more}
    return Vm(**given)  # type: ignore[arg-type]  # tests give what they mean


def storage(tx: Transaction) -> StorageDomain:
    """A storage domain with its host, kept."""
    host = tx.hosts.add(Host(id=some_id(), name=f"host-{some_id()[-6:]}", address="unix:/run/api.sock"))
    return tx.storage.add(StorageDomain(id=some_id(), host_id=host.id, name="fast"))


def volume(domain: StorageDomain, sealing: Sealing = Sealing.NONE) -> Volume:
    """A volume that is not kept yet."""
    return Volume(id=some_id(), domain_id=domain.id, format=DiskFormat.QCOW2, size=10 * GIB, sealing=sealing)


def template_with(tx: Transaction, volumes: list[Volume], *, sealed: bool = True) -> TemplateVersion:
    """A locked version of a new template with a disk for each volume, all kept."""
    template = tx.templates.add(Template(id=some_id(), name=f"template-{some_id()[-6:]}"))
    made = TemplateVersion(
        id=some_id(), template_id=template.id, number=1, vcpus=2, memory=GIB, sealed=sealed
    )
    version = tx.template_versions.add(made)
    for number, one in enumerate(volumes):
        kept = tx.volumes.add(one)
        disk = tx.disks.add(Disk(id=some_id(), name=f"disk{number}", volume_id=kept.id))
        tx.drives.add(drive(disk, number, template_version_id=version.id))
    return version


def drive(disk: Disk, number: int = 0, **owner: str) -> Drive:
    """A drive that is not kept yet, for a disk."""
    given: dict[str, object] = {"id": some_id(), "disk_id": disk.id, "position": number, **owner}
    return Drive(device=Device.DISK, bus="virtio", target=f"vd{'abcdef'[number]}", **given)  # type: ignore[arg-type]  # as above
