"""What the inventory knows of a version of a template, as a descriptor; and of disks for one."""

from __future__ import annotations

from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.ids import number_of
from guestwright.engine.inventory.model import PayloadUse, TemplateVersion
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import TemplateState
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.templates import rows
from guestwright.engine.templates.errors import BadTemplateRequest, TemplateNotReady
from guestwright.engine.templates.inventory_port import MachineOf
from guestwright.engine.templates.package import Stored, described
from guestwright.ovf.model import Descriptor, Payload


def descriptor_of(database: Database, payloads: Payloads, template: str, number: str) -> Descriptor:
    """The descriptor of a version that is ready.

    Args:
        database: the inventory.
        payloads: of this installation; nothing here asks for contents.
        template: id.
        number: of the version.

    Raises:
        NotInInventory: there is no such version.
        TemplateNotReady: it is being made, or taken away.
    """
    with database.read() as tx:
        family = tx.templates.get(template)
        version = _version(tx, template, number)
        if version.state is not TemplateState.READY:
            raise TemplateNotReady(template=family.name, state=version.state)
        machine = MachineOf(
            id=version.id,
            disks=rows.disks_of(tx, version),
            description=rows.description_of(tx, version),
            sealed=version.sealed,
        )
        uses = tx.payload_uses.all(Filter("template_version_id", Op.IS, version.id))
        known = {one.payload_id: tx.payloads.get(one.payload_id) for one in uses}
    shapes = [
        _shape(payloads, use, known[use.payload_id].name, known[use.payload_id].current) for use in uses
    ]
    return described(family.name, family.description, machine, shapes)


def stored(tx: Transaction, disk: str) -> Stored:
    """A disk that was uploaded.

    Raises:
        NotInInventory, BadTemplateRequest: it is none.
    """
    found = tx.disks.get(disk)
    if found.volume_id is None:
        raise BadTemplateRequest(field="disks", problem=f"disk {disk} has no content")
    volume = tx.volumes.get(found.volume_id)
    return Stored(disk=disk, format=volume.format, size=volume.size)


def _version(tx: Transaction, template: str, number: str) -> TemplateVersion:
    wanted = number_of(number) or 0  # which none has
    mine = (Filter("template_id", Op.IS, template), Filter("number", Op.IS, str(wanted)))
    found = tx.template_versions.all(*mine, most=1)
    if not found:
        raise NotInInventory(what="version of template", id=f"{template}/{number[:20]}")
    return found[0]


def _shape(payloads: Payloads, use: PayloadUse, name: str, current: int) -> Payload:
    number = use.number or current
    found = next((one for one in payloads.versions(use.payload_id) if one.number == number), None)
    return Payload(
        device=use.device,
        persistence=use.persistence,
        name=name,
        form=found.form if found else "",
        label=found.label if found else "",
        files=tuple(sorted(found.files.items())) if found else (),
    )
