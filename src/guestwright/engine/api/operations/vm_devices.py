"""What a running machine has: memory, and media in its drives. Hosts are asked."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Call, Endpoint, Pool
from guestwright.engine.api.guest_port import GuestPort, MediumWish
from guestwright.engine.api.parts import Parts
from guestwright.engine.disks.errors import DiskElsewhere, DiskEmpty
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.transaction import Transaction
from guestwright.http_api.shapes import shaped

_TAG: Final = "live"
_DRIVE: Final = "/vms/{id}/media/{drive}"
_KIB: Final = 1024


class MemoryBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How much memory a guest is asked to have from now on.

    Attributes:
        target: bytes, whole KiB, at most what the machine was made with.
    """

    target: Annotated[int, msgspec.Meta(ge=_KIB, le=1 << 50, multiple_of=_KIB)]


class MemoryReply(msgspec.Struct, frozen=True):
    """The memory of a guest; its balloon driver follows, or does not.

    Attributes:
        memory_actual: that it has now, bytes.
        memory_maximum: that it could have, bytes.
    """

    memory_actual: int
    memory_maximum: int


class MediumBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to put into a CD or floppy drive.

    Attributes:
        disk: id of a disk, whose volume is a raw image on the machine's host.
        change: whether it may take the place of another medium.
        force: even though the guest keeps the drive locked.
    """

    disk: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    change: bool = False
    force: bool = False


class ForceQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to take a medium out.

    Attributes:
        force: even though the guest keeps the drive locked.
    """

    force: bool = False


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, guests: GuestPort) -> None:
        self._database = database
        self._guests = guests

    def memory(self, call: Call) -> MemoryReply:
        with self._database.read() as tx:
            tx.vms.get(call.path["id"])
        return shaped(dict(self._guests.memory(call.path["id"], call.body.target)), MemoryReply)

    def insert(self, call: Call) -> None:
        body: MediumBody = call.body
        with self._database.read() as tx:
            wish = _wish(tx, call.path["id"], body)
        self._guests.insert(call.path["id"], call.path["drive"], wish)

    def eject(self, call: Call) -> None:
        with self._database.read() as tx:
            tx.vms.get(call.path["id"])
        self._guests.eject(call.path["id"], call.path["drive"], force=call.query.force)


def _wish(tx: Transaction, vm: str, body: MediumBody) -> MediumWish:
    """The image that a disk is, where the machine is.

    Raises:
        NotInInventory, DiskEmpty, DiskElsewhere: it cannot be had there.
    """
    machine, disk = tx.vms.get(vm), tx.disks.get(body.disk)
    if disk.volume_id is None:
        raise DiskEmpty(disk=disk.id, problem="it has no volume")
    storage = tx.storage.get(tx.volumes.get(disk.volume_id).domain_id)
    if storage.host_id != machine.host_id:
        raise DiskElsewhere(disk=disk.id, vm=machine.name)
    return MediumWish(storage=storage.name, volume=disk.volume_id, change=body.change, force=body.force)


def device_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
    """
    do = _Operations(parts.database, parts.guests)
    return (_memory(do), *_media(do))


def _memory(do: _Operations) -> Endpoint:
    return Endpoint(
        name="vm-memory",
        method="PUT",
        path="/vms/{id}/memory",
        right=Right.VM_CHANGE,
        summary="Ask a guest to have so much memory from now on; whether it follows shows in its facts.",
        handle=do.memory,
        reply=MemoryReply,
        body=MemoryBody,
        errors=(NotInInventory,),
        tag=_TAG,
        pool=Pool.GUESTS,
    )


def _media(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="vm-medium-insert",
            method="PUT",
            path=_DRIVE,
            right=Right.VM_CHANGE,
            summary="An image into a CD or floppy drive, by the drive's target.",
            handle=do.insert,
            reply=None,
            status=204,
            body=MediumBody,
            seconds=150.0,
            errors=(NotInInventory, DiskEmpty, DiskElsewhere),
            tag=_TAG,
            pool=Pool.GUESTS,
        ),
        Endpoint(
            name="vm-medium-eject",
            method="DELETE",
            path=_DRIVE,
            right=Right.VM_CHANGE,
            summary="Empty a CD or floppy drive.",
            handle=do.eject,
            reply=None,
            status=204,
            query=ForceQuery,
            seconds=150.0,
            errors=(NotInInventory,),
            tag=_TAG,
            pool=Pool.GUESTS,
        ),
    )
