"""Drives and cards of a host's domain as parts of a machine.

Theory of operation: parts are added and completed, never taken away: what the engine recorded itself stays. A
disk of a domain is linked to the volume that it lies in when its file is that volume's, in the directory of a
storage domain of this host, and nobody else has it. A MAC address that another card has already is left out.
"""

from __future__ import annotations

import os
from typing import Final

from guestwright.engine.following.said import Card, Drive, Known
from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory.choices import Device
from guestwright.engine.inventory.model import Disk, Nic, Vm, Volume
from guestwright.engine.inventory.model import Drive as Kept
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import VolumeKind
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates.rows import derived

_DEVICES: Final = {"disk": Device.DISK, "cd": Device.CD, "floppy": Device.FLOPPY}


class Hardware:
    """Records parts of machines.

    Args:
        host: id of the host.
        tally: counts what was refused.

    Attributes:
        directories: of the host's storage domains, to their ids.
    """

    def __init__(self, host: str, tally: Tally) -> None:
        self._host = host
        self._tally = tally
        self.directories: dict[str, str] = {}

    def known(self, tx: Transaction, vm: Vm, said: Known) -> bool:
        """Whether there is nothing to add."""
        return not self._drives(tx, vm, said) and not self._cards(tx, vm, said)

    def keep(self, tx: Transaction, vm: Vm, said: Known) -> None:
        """Add what is missing."""
        for position, drive, row in self._drives(tx, vm, said):
            disk = self._disk(tx, vm, drive)
            if row is not None:
                tx.drives.change(row.id, row.version, disk_id=disk)
                continue
            tx.drives.add(
                Kept(
                    id=derived(vm.id, "drive-of-host", drive.target),
                    device=_DEVICES[drive.device],
                    bus=drive.bus,
                    target=drive.target,
                    vm_id=vm.id,
                    disk_id=disk,
                    position=position,
                    read_only=drive.read_only,
                )
            )
        for position, card, nic in self._cards(tx, vm, said):
            mac = card.mac if self._free(tx, card) else None
            if nic is not None:
                tx.nics.change(nic.id, nic.version, mac=mac)
                continue
            if mac is None:
                self._tally.refused("card", f"the address {card.mac} of {vm.id} is another machine's already")
            tx.nics.add(
                Nic(
                    id=derived(vm.id, "nic", position),
                    vm_id=vm.id,
                    position=position,
                    mac=mac,
                    network="" if card.bridged else card.source,
                    bridge=card.source if card.bridged else "",
                    model=card.model,
                )
            )

    def _drives(self, tx: Transaction, vm: Vm, said: Known) -> list[tuple[int, Drive, Kept | None]]:
        """What is to be added, or, with its row, to be linked to a disk."""
        rows = {one.target: one for one in tx.drives.all(Filter("vm_id", Op.IS, vm.id))}
        ours = vm.template_version_id is not None
        found: list[tuple[int, Drive, Kept | None]] = []
        targets: set[str] = set()
        for position, drive in enumerate(said.domain.drives):
            row = rows.get(drive.target)
            if drive.target in targets or (ours and drive.device == "disk"):
                continue
            targets.add(drive.target)
            linked = row is not None and (row.disk_id is not None or self._volume(tx, drive) is None)
            if not linked:
                found.append((position, drive, row))
        return found

    def _cards(self, tx: Transaction, vm: Vm, said: Known) -> list[tuple[int, Card, Nic | None]]:
        rows = {one.position: one for one in tx.nics.all(Filter("vm_id", Op.IS, vm.id))}
        found: list[tuple[int, Card, Nic | None]] = []
        macs = {one.mac for one in rows.values()}
        for position, card in enumerate(said.domain.nics):
            row = rows.get(position)
            if card.mac in macs or (row is not None and (row.mac is not None or not self._free(tx, card))):
                continue
            macs.add(card.mac)
            found.append((position, card, row))
        return found

    def _free(self, tx: Transaction, card: Card) -> bool:
        return not tx.nics.all(Filter("mac", Op.IS, card.mac), most=1)

    def _disk(self, tx: Transaction, vm: Vm, drive: Drive) -> str | None:
        """A disk for the volume of a drive; None without one."""
        volume = self._volume(tx, drive)
        if volume is None:
            return None
        id_ = derived(vm.id, "disk", volume.id)
        return tx.disks.add(Disk(id=id_, name=f"{vm.name}-{drive.target}", volume_id=volume.id)).id

    def _volume(self, tx: Transaction, drive: Drive) -> Volume | None:
        """The volume that a drive's file is, if nobody else has it."""
        directory, name = os.path.split(drive.medium)
        storage = self.directories.get(os.path.normpath(directory)) if drive.device == "disk" else None
        id_, _, ending = name.rpartition(".")
        volume = tx.volumes.find(id_) if storage is not None and id_ else None
        if volume is None or volume.domain_id != storage or volume.kind is not VolumeKind.LEAF:
            return None
        if not volume.format == ending == drive.format or volume.job:
            return None
        return None if tx.disks.all(Filter("volume_id", Op.IS, volume.id), most=1) else volume
