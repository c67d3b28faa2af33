"""A domain from a plain description: what is said of a machine, without the host's paths. Pure.

{"uuid": "0c6f…", "name": "web1", "vcpus": 2, "memory": 2147483648, "machine": "q35", "firmware": "efi",
 "os_family": "debian", "nics": [{"network": "default", "bridge": "", "model": "virtio"}],
 "disks": [{"domain": "main", "volume": "web1", "target": "vda"}]}
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guestwright.base.record import record
from guestwright.host.jobs.errors import BadJob
from guestwright.http_api.shapes import shaped
from guestwright.hypervisor.domain import Bus, Device, DomainId, Firmware, OsFamily, Platform, Virtualisation
from guestwright.hypervisor.spec import DomainSpec, DriveSpec, NicSpec

_BUSES: Final = {"vd": Bus.VIRTIO, "sd": Bus.SCSI, "hd": Bus.IDE, "xv": Bus.XEN}
_NO_BIOS: Final = ("aarch64", "riscv64", "armv7l")


class Card(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A network card: in a network of the hypervisor's, or on a bridge of the host's; its address is ours.

    One in neither, as with QEMU's own user networking, is left out: there is nothing to plug it into.
    """

    network: str = ""
    bridge: str = ""
    model: str = "virtio"


class Disk(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A disk: a volume of a storage domain, the name of its drive, and the bus ("" is told by the name)."""

    domain: str
    volume: str
    target: str
    bus: str = ""


class Description(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A machine.

    Attributes:
        uuid: of the domain.
        name: of it.
        vcpus: processors.
        memory: bytes.
        disks: the boot disk first.
        nics: network cards.
        os_family: of its system: "linux", "windows", "freebsd", a distribution, or "".
        firmware: "bios", "efi" or "" for the usual one.
        machine: type, by the hypervisor's name; "" for its usual one.
    """

    uuid: str
    name: str
    vcpus: int
    memory: int
    disks: tuple[Disk, ...]
    nics: tuple[Card, ...] = ()
    os_family: str = ""
    firmware: str = ""
    machine: str = ""


@record
class Medium:
    """The image of a disk: its path on the host and its format."""

    path: str
    format: str


def read(job: str, parameters: Mapping[str, Any]) -> Description:
    """The description that a job has.

    Raises:
        BadJob: it is none.
    """
    try:
        return shaped(dict(parameters), Description)
    except msgspec.ValidationError as error:
        raise BadJob(job=job, problem=str(error)[:200]) from error


def spec_of(
    wanted: Description, media: Sequence[Medium], virtualisation: Virtualisation, arch: str
) -> DomainSpec:
    """What the hypervisor is to define.

    Args:
        wanted: the machine.
        media: of its disks, in their order.
        virtualisation: who runs it.
        arch: of the host.

    Raises:
        BadDomainSpec: it cannot be.
    """
    firmware = wanted.firmware or (Firmware.EFI if arch in _NO_BIOS else Firmware.BIOS)
    return DomainSpec(
        uuid=DomainId(wanted.uuid),
        name=wanted.name,
        platform=Platform(
            virtualisation=virtualisation,
            arch=arch,
            machine=wanted.machine,
            firmware=Firmware.EFI if firmware in {Firmware.EFI, "uefi"} else Firmware.BIOS,
        ),
        memory_maximum=wanted.memory,
        os=_family(wanted.os_family),
        vcpus=wanted.vcpus,
        drives=tuple(
            DriveSpec(
                device=Device.DISK,
                bus=_bus(disk),
                target=disk.target,
                medium=medium.path,
                format=medium.format,
            )
            for disk, medium in zip(wanted.disks, media, strict=True)
        ),
        nics=tuple(
            NicSpec(mac=mac_of(wanted.uuid, n), network=one.network, bridge=one.bridge, model=one.model)
            for n, one in enumerate(wanted.nics)
            if one.network or one.bridge
        ),
    )


def mac_of(uuid: str, number: int) -> str:
    """The address of a machine's card: the same each time, 40 bits of it by chance.

    Locally administered, no group address (IEEE 802, section 8.2).

    Args:
        uuid: of the domain.
        number: of the card, from 0.
    """
    digest = hashlib.sha256(f"{uuid}/nic/{number}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x52, *digest[:5]))


def _bus(disk: Disk) -> Bus:
    if disk.bus in set(Bus):
        return Bus(disk.bus)
    return _BUSES.get(disk.target[:2], Bus.VIRTIO)


def _family(name: str) -> OsFamily:
    """The family that a system's drivers come from; distributions are Linux."""
    word = name.lower()
    if not word or word == OsFamily.UNKNOWN:
        return OsFamily.UNKNOWN
    if word.startswith("win"):
        return OsFamily.WINDOWS
    return OsFamily.BSD if word.endswith("bsd") else OsFamily.LINUX
