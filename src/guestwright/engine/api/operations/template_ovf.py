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
from guestwright.engine.jobs.errors import JobBookUnreachable, JobKeyReused
from guestwright.engine.templates import package
from guestwright.engine.templates.errors import BadTemplateRequest, TemplateNotReady
from guestwright.engine.templates.package_rows import descriptor_of, stored
from guestwright.ovf.errors import BadDescriptor, BadPackage, UnsupportedPackage
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
        made = descriptor_of(self._database, self._payloads, call.path["id"], call.path["number"])
        if not made.disks:
            raise NothingToMake(what=made.name, problem="it has no disk")
        disks = tuple(
            OvfDisk(file=file.id, name=file.name, disk=file.id, format=disk.format, capacity=disk.capacity)
            for file, disk in zip(made.files, made.disks, strict=True)
        )
        return OvfReply(name=f"{word(made.name)}.ovf", descriptor=write(made).decode(), disks=disks)

    def import_(self, call: Call) -> Answer:
        body: ImportBody = call.body
        descriptor = read(body.descriptor.encode())
        with self._database.read() as tx:
            found = {file: stored(tx, disk) for file, disk in body.disks.items()}
        seal = descriptor.sealed if body.seal is None else body.seal
        wanted = {
            "name": body.name or descriptor.name,
            "machine": package.machine_of(descriptor),
            "disks": package.disks_of(descriptor, found, body.digests),
            "seal": seal,
        }
        return accepted(self._jobs.submit("template.import", wanted, key=key_of(call, "template-import")))


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
