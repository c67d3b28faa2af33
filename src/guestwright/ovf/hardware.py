"""The VirtualHardwareSection: processors, memory, drives and network cards. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Final

from guestwright.base.printable import printable
from guestwright.base.record import record, replace
from guestwright.ovf.errors import BadDescriptor, UnsupportedPackage
from guestwright.ovf.model import Disk, Nic
from guestwright.ovf.tree import Node
from guestwright.ovf.units import size, whole
from guestwright.ovf.words import (
    BUSES,
    CD,
    DISK,
    DVD,
    ETHERNET,
    FLOPPY,
    MEMORY,
    OVF,
    PROCESSOR,
    RASD,
    VMW,
)

ITEMS_MAX: Final = 512
NICS_MAX: Final = 32
DRIVES_MAX: Final = 8
VCPUS_MAX: Final = 4096
_NAME_MAX: Final = 255
_DRIVES: Final = {CD: "cd", DVD: "cd", FLOPPY: "floppy"}
_MODELS: Final[Mapping[str, str]] = {
    "virtio": "virtio",
    "e1000": "e1000",
    "e1000e": "e1000e",
    "rtl8139": "rtl8139",
    "vmxnet3": "vmxnet3",
    "pcnet32": "pcnet",
    "pcnet": "pcnet",
    "1": "rtl8139",  # oVirt's numbers
    "2": "e1000",
    "3": "virtio",
}
_FIRMWARE: Final = {"efi": "efi", "uefi": "efi", "bios": "bios"}
_TOPOLOGY: Final = ("num_of_sockets", "cpu_per_socket", "threads_per_cpu")  # oVirt's


@record
class Hardware:
    """What is in the section; see `Descriptor`."""

    vcpus: int
    memory: int
    firmware: str
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]
    drives: tuple[str, ...]


def hardware(section: Node, disks: Mapping[str, Disk], configuration: str, notes: list[str]) -> Hardware:
    """Read a section.

    Args:
        section: the element.
        disks: that there are, by id.
        configuration: whose items count besides those of all.
        notes: gets what was left out.

    Raises:
        BadDescriptor: it makes no machine.
    """
    for one in section.children:
        if one.space != OVF and (one.space, one.get(VMW, "key")) != (VMW, "firmware"):
            demanded(one, f"{printable(one.name)[:_NAME_MAX]} of the hardware")
    items = list(_items(section, configuration))
    buses = {_said(one, "InstanceID", "InstanceId"): BUSES.get(_type(one), "") for one in items}
    by_type: dict[int, list[Node]] = {}
    for one in items:
        by_type.setdefault(_type(one), []).append(one)
    cpus, memory = by_type.get(PROCESSOR, []), by_type.get(MEMORY, [])
    if len(cpus) != 1 or len(memory) != 1:
        raise BadDescriptor(
            problem=f"{len(cpus)} items say how many processors, {len(memory)} how much memory"
        )
    drives = tuple(_DRIVES[_type(one)] for one in items if _type(one) in _DRIVES)
    nics = tuple(_nic(one) for one in by_type.get(ETHERNET, []))
    if len(drives) > DRIVES_MAX or len(nics) > NICS_MAX:
        problem = f"{len(drives)} drives and {len(nics)} network cards are more than a machine gets"
        raise BadDescriptor(problem=problem)
    unknown = sorted(by_type.keys() - {PROCESSOR, MEMORY, DISK, ETHERNET, *_DRIVES, *BUSES})
    notes += [f"hardware of type {one} was left out" for one in unknown]
    return Hardware(
        vcpus=_vcpus(cpus[0]),
        memory=size(_quantity(memory[0]), _said(memory[0], "AllocationUnits"), "memory"),
        firmware=_firmware(section),
        disks=_used(by_type.get(DISK, []), disks, buses, notes),
        nics=nics,
        drives=drives,
    )


def demanded(node: Node, what: str) -> None:
    """Refuse what is not known here when the package demands that it be understood.

    Raises:
        UnsupportedPackage: so it does.
    """
    if node.get(OVF, "required").strip().lower() in ("true", "1"):
        raise UnsupportedPackage(what=what, problem="the package demands that it be understood")


def _items(section: Node, configuration: str) -> Iterator[Node]:
    for number, one in enumerate(section.all(OVF, "Item")):
        if number >= ITEMS_MAX:
            raise BadDescriptor(problem=f"more than {ITEMS_MAX} items of hardware")
        meant = one.get(OVF, "configuration").split()
        if one.get(OVF, "bound") in ("", "normal") and (not meant or configuration in meant):
            yield one


def _used(
    items: list[Node], disks: Mapping[str, Disk], buses: Mapping[str, str], notes: list[str]
) -> tuple[Disk, ...]:
    """The disks of drives, in their order."""
    found: dict[str, Disk] = {}
    for one in items:
        resource = _said(one, "HostResource").removeprefix("ovf:")
        id_ = resource.removeprefix("/disk/")
        disk = disks.get(id_) or next((each for each in disks.values() if each.file == id_ != ""), None)
        if disk is None or disk.id in found:
            problem = "is in two drives" if disk else "is not among the disks"
            raise BadDescriptor(
                problem=f"{printable(resource[:_NAME_MAX]) or 'a drive without a disk'} {problem}"
            )
        found[disk.id] = replace(disk, bus=_bus(one, buses))
    notes += [f"disk {one} is in no drive" for one in disks if one not in found]
    return tuple(found.values())


def _bus(item: Node, buses: Mapping[str, str]) -> str:
    parent = _said(item, "Parent")
    kind = _said(item, "ResourceSubType").lower()
    if "virtio" in kind:
        return "virtio"
    return buses.get(parent, "") if parent else ""


def _nic(item: Node) -> Nic:
    kind = _said(item, "ResourceSubType").split(" ")[0].lower()
    return Nic(network=printable(_said(item, "Connection"))[:_NAME_MAX], model=_MODELS.get(kind, ""))


def _vcpus(item: Node) -> int:
    quantity = _said(item, "VirtualQuantity")
    if quantity:
        count = whole(quantity, "processors")
    else:
        count = prod(whole(_said(item, name) or "1", "processors") for name in _TOPOLOGY)
    if not 0 < count <= VCPUS_MAX:
        raise BadDescriptor(problem=f"{count} processors")
    return count


def _quantity(item: Node) -> str:
    return _said(item, "VirtualQuantity")


def _firmware(section: Node) -> str:
    for one in section.all(VMW, "Config"):
        if one.get(VMW, "key") == "firmware":
            return _FIRMWARE.get(one.get(VMW, "value").lower(), "")
    return ""


def _type(item: Node) -> int:
    return whole(_said(item, "ResourceType"), "a type of hardware")


def _said(item: Node, *names: str) -> str:
    """The text of an item's element; the first of several, the first name that there is."""
    return next((found for name in names if (found := item.said(RASD, name))), "")
