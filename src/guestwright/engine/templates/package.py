"""A version of a template as an OVF descriptor, and a descriptor as what a template is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guestwright.base.record import record
from guestwright.engine.templates.errors import BadTemplateRequest
from guestwright.engine.templates.inventory_port import MachineOf
from guestwright.ovf.errors import UnsupportedPackage
from guestwright.ovf.model import Descriptor, Disk, File, Format, Nic, Payload
from guestwright.ovf.names import word
from guestwright.ovf.words import URIS

_BUSES: Final = {"vd": "virtio", "sd": "scsi", "hd": "ide", "xv": "virtio"}
_TARGETS: Final = {"scsi": "sd", "sata": "sd", "ide": "hd"}
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_MODEL: Final = "virtio"


@record
class Stored:
    """A disk that was uploaded for a file of a package: id, and what its volume is like."""

    disk: str
    format: str
    size: int


def described(
    name: str, description: str, machine: MachineOf, payloads: Sequence[Payload] = ()
) -> Descriptor:
    """The descriptor of a version of a template.

    Args:
        name: of the template.
        description: for people.
        machine: what it is like.
        payloads: shapes of what machines made of it get.
    """
    about = machine.description
    base = word(name)
    files, disks = [], []
    for number, one in enumerate(machine.disks, 1):
        form = Format(one.format)
        files.append(File(id=one.disk, name=f"{base}-disk{number}.{form}"))
        disks.append(
            Disk(
                id=f"disk{number}",
                file=one.disk,
                format=form,
                uri=URIS[form],
                capacity=one.size,
                bus=_BUSES.get(one.target[:2], "virtio"),
                target=one.target,
            )
        )
    return Descriptor(
        name=name,
        description=description,
        os_family=about["os_family"],
        vcpus=about["vcpus"],
        memory=about["memory"],
        firmware=about["firmware"],
        machine=about["machine"],
        files=tuple(files),
        disks=tuple(disks),
        nics=tuple(Nic(**one) for one in about["nics"]),
        drives=tuple(dict.fromkeys(one.device for one in payloads)),
        payloads=tuple(payloads),
        sealed=machine.sealed,
    )


def machine_of(descriptor: Descriptor) -> dict[str, Any]:
    """What of a machine is not its disks, as the job wants it."""
    return {
        "vcpus": descriptor.vcpus,
        "memory": descriptor.memory,
        "os_family": descriptor.os_family,
        "firmware": descriptor.firmware,
        "machine": descriptor.machine,
        "nics": [
            {
                "network": one.network if not one.bridge else "",
                "bridge": one.bridge,
                "model": one.model or _MODEL,
            }
            for one in descriptor.nics
        ],
    }


def disks_of(
    descriptor: Descriptor, stored: Mapping[str, Stored], digests: Mapping[str, str]
) -> list[dict[str, str]]:
    """The disks as the job wants them.

    Args:
        descriptor: of the package.
        stored: what was uploaded, by id of the file.
        digests: SHA-256 by id of the file, as far as they are known.

    Raises:
        UnsupportedPackage: a disk is in a format that nothing here reads.
        BadTemplateRequest: what was uploaded does not fit.
    """
    for id_ in (*stored, *digests):
        if descriptor.file(id_) is None:
            raise BadTemplateRequest(field="disks", problem=f"the descriptor has no file {id_[:80]!r}")
    targets = _targets(descriptor.disks)
    found = []
    for one, target in zip(descriptor.disks, targets, strict=True):
        if one.format not in URIS:
            raise UnsupportedPackage(
                what=f"disk {one.id} ({one.format}: {one.uri})",
                problem="convert it with `qemu-img convert -O qcow2`, and name that in the descriptor",
            )
        disk = stored.get(one.file)
        if disk is None:
            raise BadTemplateRequest(
                field="disks", problem=f"nothing was uploaded for {one.file or one.id!r}"
            )
        if (disk.format, disk.size) != (one.format, one.capacity):
            problem = (
                f"{one.id} is {one.format} of {one.capacity} bytes, {disk.disk} {disk.format} of {disk.size}"
            )
            raise BadTemplateRequest(field="disks", problem=problem)
        found.append({"disk": disk.disk, "target": target, "sha256": digests.get(one.file, "")})
    return found


def _targets(disks: Sequence[Disk]) -> list[str]:
    """Names of drives: those of the descriptor; where it does not say, the next of the bus."""
    taken = {one.target for one in disks if one.target}
    found = []
    for one in disks:
        prefix = _TARGETS.get(one.bus, "vd")
        free = (f"{prefix}{letter}" for letter in _letters() if f"{prefix}{letter}" not in taken)
        target = one.target or next(free)
        taken.add(target)
        found.append(target)
    return found


def _letters() -> list[str]:
    return [*_LETTERS, *(f"{a}{b}" for a in _LETTERS for b in _LETTERS)]
