"""Removal of a disk that no machine and no template has; it submits a durable job and answers at once."""

from __future__ import annotations

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import matching
from guestwright.engine.api.operations.jobs import Accepted, accepted, key_of
from guestwright.engine.api.parts import Parts
from guestwright.engine.disks.remove import KIND
from guestwright.engine.inventory.errors import ChangedMeanwhile, NotInInventory
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.jobs.errors import JobBookUnreachable, JobKeyReused
from guestwright.engine.templates.errors import DiskNotFree


def disk_remove_endpoint(parts: Parts) -> Endpoint:
    """The operation.

    Args:
        parts: of the engine.
    """

    def remove(call: Call) -> Answer:
        with parts.database.read() as tx:
            disk = matching(call, tx.disks.get(call.path["id"]), "disk")
            if tx.drives.count(Filter("disk_id", Op.IS, disk.id)):
                raise DiskNotFree(disk=disk.id, problem="a machine or a template has it")
        return accepted(parts.jobs.submit(KIND, {"disk": disk.id}, key=key_of(call, "disk-remove")))

    return Endpoint(
        name="disk-remove",
        method="DELETE",
        path="/disks/{id}",
        right=Right.DISK_CHANGE,
        summary="Remove a disk that no machine and no template has; a job.",
        handle=remove,
        reply=Accepted,
        status=202,
        errors=(NotInInventory, DiskNotFree, ChangedMeanwhile, JobKeyReused, JobBookUnreachable),
        tag="storage",
        matched=True,
        keyed=True,
    )
