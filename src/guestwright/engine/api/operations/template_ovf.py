"""Templates as OVF packages: the descriptor of a version, and a template made of uploaded disks; a job."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.errors import NothingToMake
from guestwright.engine.api.operations.jobs import Accepted, accepted, key_of
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.model import PayloadUse, TemplateVersion
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import TemplateState
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.jobs.errors import JobBookUnreachable, JobKeyReused
from guestwright.engine.templates import package, rows
from guestwright.engine.templates.errors import BadTemplateRequest, TemplateNotReady
from guestwright.engine.templates.inventory_port import MachineOf
from guestwright.ovf.errors import BadDescriptor, BadPackage, UnsupportedPackage
from guestwright.ovf.model import Payload
from guestwright.ovf.names import word
from guestwright.ovf.reader import read
from guestwright.ovf.writer import write

BODY_MAX: Final = 4 << 20
"""Bytes: a descriptor of 1 MiB, as a string of JSON."""
_TAG: Final = "templates"
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class OvfDisk(msgspec.Struct, frozen=True):
    """A disk of the package, whose file is fetched as its content.

    Attributes:
        file: id by which the descriptor refers to its file.
        name: of the file in the package.
        disk: id, for `GET /disks/{id}/content`.
        format: "raw" or "qcow2".
        capacity: bytes that a machine sees.
    """

    file: str
    name: str
    disk: str
    format: str
    capacity: int


class OvfReply(msgspec.Struct, frozen=True):
    """A version of a template as an OVF package.

    Attributes:
        name: of the descriptor's file.
        descriptor: its text. Of payloads it has the shape, never the contents.
        disks: of the package.
    """

    name: str
    descriptor: str
    disks: tuple[OvfDisk, ...]


class ImportBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A template to be made of disks that were uploaded.

    Attributes:
        descriptor: text of the OVF descriptor.
        disks: ids of disks by id of the descriptor's file; no machine or template may have them.
        name: of the template; one of that name gets a further version. The descriptor's name without it.
        seal: whether the disks are sealed, here; without it, if the descriptor says that they were.
        digests: SHA-256 of files by their id, as far as they are known.
    """

    descriptor: Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 20)]
    disks: Annotated[dict[str, _Id], msgspec.Meta(max_length=64)]
    name: _Id | None = None
    seal: bool | None = None
    digests: Annotated[dict[str, _Digest], msgspec.Meta(max_length=64)] = {}


class _Operations:
    """What the table calls."""

    def __init__(self, parts: Parts) -> None:
        self._database = parts.database
        self._jobs = parts.jobs
        self._payloads = parts.payloads

    def ovf(self, call: Call) -> OvfReply:
        with self._database.read() as tx:
            template = tx.templates.get(call.path["id"])
            version = _version(tx, template.id, call.path["number"])
            if version.state is not TemplateState.READY:
                raise TemplateNotReady(template=template.name, state=version.state)
            machine = MachineOf(
                id=version.id,
                disks=rows.disks_of(tx, version),
                description=rows.description_of(tx, version),
                sealed=version.sealed,
            )
            uses = tx.payload_uses.all(Filter("template_version_id", Op.IS, version.id))
            names = {one.payload_id: tx.payloads.get(one.payload_id) for one in uses}
        if not machine.disks:
            raise NothingToMake(what=template.name, problem="it has no disk")
        shapes = [self._shape(one, names[one.payload_id].name, names[one.payload_id].current) for one in uses]
        made = package.described(template.name, template.description, machine, shapes)
        disks = tuple(
            OvfDisk(file=file.id, name=file.name, disk=file.id, format=disk.format, capacity=disk.capacity)
            for file, disk in zip(made.files, made.disks, strict=True)
        )
        name = f"{word(template.name)}.ovf"
        return OvfReply(name=name, descriptor=write(made).decode(), disks=disks)

    def import_(self, call: Call) -> Answer:
        body: ImportBody = call.body
        descriptor = read(body.descriptor.encode())
        with self._database.read() as tx:
            stored = {file: _stored(tx, disk) for file, disk in body.disks.items()}
        seal = descriptor.sealed if body.seal is None else body.seal
        wanted = {
            "name": body.name or descriptor.name,
            "machine": package.machine_of(descriptor),
            "disks": package.disks_of(descriptor, stored, body.digests),
            "seal": seal,
        }
        return accepted(self._jobs.submit("template.import", wanted, key=key_of(call, "template-import")))

    def _shape(self, use: PayloadUse, name: str, current: int) -> Payload:
        """Of a payload without its contents, which nothing here asks for."""
        number = use.number or current
        found = next((one for one in self._payloads.versions(use.payload_id) if one.number == number), None)
        return Payload(
            device=use.device,
            persistence=use.persistence,
            name=name,
            form=found.form if found else "",
            label=found.label if found else "",
            files=tuple(sorted(found.files.items())) if found else (),
        )


def _version(tx: Transaction, template: str, number: str) -> TemplateVersion:
    known = number.isascii() and number.isdigit() and len(number) < 10
    mine = (Filter("template_id", Op.IS, template), Filter("number", Op.IS, number))
    found = tx.template_versions.all(*mine, most=1) if known else ()
    if not found:
        raise NotInInventory(what="version of template", id=f"{template}/{number[:20]}")
    return found[0]


def _stored(tx: Transaction, disk: str) -> package.Stored:
    found = tx.disks.get(disk)
    if found.volume_id is None:
        raise BadTemplateRequest(field="disks", problem=f"disk {disk} has no content")
    volume = tx.volumes.get(found.volume_id)
    return package.Stored(disk=disk, format=volume.format, size=volume.size)


def template_ovf_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
    """
    do = _Operations(parts)
    return (
        Endpoint(
            name="template-ovf",
            method="GET",
            path="/templates/{id}/versions/{number}/ovf",
            right=Right.READ,
            summary="A version of a template as an OVF descriptor, without contents of payloads.",
            handle=do.ovf,
            reply=OvfReply,
            errors=(NotInInventory, TemplateNotReady, NothingToMake),
            tag=_TAG,
        ),
        Endpoint(
            name="template-import",
            method="POST",
            path="/templates/import",
            right=Right.TEMPLATE_CHANGE,
            summary="Make a template of uploaded disks, as an OVF descriptor tells of it; a job.",
            handle=do.import_,
            reply=Accepted,
            body=ImportBody,
            body_max=BODY_MAX,
            status=202,
            errors=(
                *(NotInInventory, BadTemplateRequest, JobKeyReused, JobBookUnreachable),
                *(BadDescriptor, BadPackage, UnsupportedPackage),
            ),
            tag=_TAG,
            keyed=True,
        ),
    )
