"""What the engine's own inventory records when uploaded disks become a template's."""

from __future__ import annotations

from collections.abc import Sequence

from guestwright.base.record import replace
from guestwright.engine.inventory.choices import Device
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.model import Disk, Drive, Volume
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import VolumeKind, VolumeState
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates import rows
from guestwright.engine.templates.database_removal import DatabaseRemoval
from guestwright.engine.templates.errors import DiskNotFree
from guestwright.engine.templates.families import add_version
from guestwright.engine.templates.host_port import Place
from guestwright.engine.templates.inventory_port import DiskOf, MachineOf


class DatabaseImport(DatabaseRemoval):
    """The part of `InventoryPort` that makes templates of disks; see there for each call."""

    def hold_disks(self, disks: Sequence[str], job: str, *, broken: bool = False) -> tuple[DiskOf, ...]:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            held = tuple(_hold(tx, one, job, broken=broken) for one in disks)
            if len({(one.place.host, one.place.domain) for one in held}) > 1:
                raise DiskNotFree(disk=disks[0], problem="the others are in another storage domain")
            return held

    def release_disks(self, disks: Sequence[str], job: str, *, forget: bool) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            for one in disks:
                disk = tx.disks.find(one)
                if disk is None or tx.drives.count(Filter("disk_id", Op.IS, one)):
                    continue
                volume = None if disk.volume_id is None else tx.volumes.hold(disk.volume_id)
                usable = volume is not None and volume.state is VolumeState.LEGAL
                if volume is not None and volume.job == job and usable:
                    tx.volumes.change(volume.id, None, job="")
                elif forget and not usable:
                    tx.disks.remove(one)

    def adopt_template(
        self, template: str, name: str, job: str, source: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        """See `InventoryPort`."""
        with self._change(job) as tx:
            if tx.template_versions.find(template) is not None:
                return
            version = add_version(tx, template, name, job, source, seal=seal)
            rows.add_nics(tx, version, source.description)
            for position, disk in enumerate(disks):
                tx.drives.add(
                    Drive(
                        id=rows.derived(version.id, "drive", position),
                        device=Device.DISK,
                        bus=rows.bus_of(disk.target),
                        target=disk.target,
                        disk_id=disk.disk,
                        position=position,
                        template_version_id=version.id,
                    )
                )


def _hold(tx: Transaction, id_: str, job: str, *, broken: bool) -> DiskOf:
    try:
        disk = tx.disks.get(id_)
    except NotInInventory as error:
        raise DiskNotFree(disk=id_, problem="there is no such disk") from error
    if disk.volume_id is None:
        raise DiskNotFree(disk=id_, problem="it has no content")
    volume = tx.volumes.hold(disk.volume_id)
    _must_be_free(tx, disk, volume, job, broken=broken)
    if not volume.job:
        volume = tx.volumes.change(volume.id, None, job=job)
    domain = tx.storage.get(volume.domain_id)
    place = Place(host=domain.host_id, domain=domain.name, volume=volume.id)
    return DiskOf(disk=disk.id, place=place, size=volume.size, format=volume.format, target="")


def _must_be_free(tx: Transaction, disk: Disk, volume: Volume, job: str, *, broken: bool) -> None:
    """Refuse what somebody else has, or what is no whole disk of its own."""
    if volume.job == job:
        return
    problem = ""
    if volume.job:
        problem = f"job {volume.job} is at work on it"
    elif tx.drives.count(Filter("disk_id", Op.IS, disk.id)):
        problem = "a machine or a template has it"
    elif volume.state is VolumeState.ILLEGAL and broken:
        pass
    elif volume.state is not VolumeState.LEGAL or volume.kind is not VolumeKind.LEAF:
        problem = f"it is {volume.state}, {volume.kind}"
    elif volume.parent_id is not None:
        problem = "it stands on another"
    if problem:
        raise DiskNotFree(disk=disk.id, problem=problem)


def with_targets(disks: Sequence[DiskOf], targets: Sequence[str]) -> tuple[DiskOf, ...]:
    """Disks in drives of these names."""
    return tuple(replace(disk, target=target) for disk, target in zip(disks, targets, strict=True))
