"""Write descriptors of OVF 1.1 (DSP0243), always the same bytes for the same values. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

from guestwright.base.printable import printable
from guestwright.ovf.errors import UnsupportedPackage
from guestwright.ovf.model import Descriptor, Disk, Payload
from guestwright.ovf.words import (
    CD,
    DISK,
    ETHERNET,
    FLOPPY,
    IDE,
    MEMORY,
    OS_IDS,
    OURS,
    OVF,
    PROCESSOR,
    RASD,
    SCSI,
    URIS,
    VMW,
    VSSD,
)

_NAMES: Final = {"ovf": OVF, "rasd": RASD, "vssd": VSSD, "vmw": VMW, "gw": OURS}
_FAMILY: Final = "kvm"
_SCSI_MODEL: Final = "virtio-scsi"
_NETWORK: Final = "default"
_MEBIBYTES: Final = "byte * 2^20"  # whatever stands here, virt-v2v reads memory as MiB


def write(descriptor: Descriptor) -> bytes:
    """A descriptor as a file.

    Raises:
        UnsupportedPackage: a disk is in a format that is not written.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    names = "".join(f" xmlns:{prefix}={_quoted(uri)}" for prefix, uri in _NAMES.items())
    lines.append(f"<Envelope xmlns={_quoted(OVF)}{names}>")
    lines += _references(descriptor)
    lines += _disks(descriptor)
    lines += _networks(descriptor)
    lines.append(f"  <VirtualSystem ovf:id={_quoted(descriptor.name)}>")
    lines.append("    <Info>A template of machines</Info>")
    lines.append(f"    <Name>{_text(descriptor.name)}</Name>")
    if descriptor.description:
        lines.append("    <AnnotationSection>")
        lines.append("      <Info>What it is for</Info>")
        lines.append(f"      <Annotation>{_text(descriptor.description)}</Annotation>")
        lines.append("    </AnnotationSection>")
    lines += _system(descriptor)
    lines += _hardware(descriptor)
    lines += _ours(descriptor)
    lines += ["  </VirtualSystem>", "</Envelope>", ""]
    return "\n".join(lines).encode()


def _references(descriptor: Descriptor) -> list[str]:
    lines = ["  <References>"]
    for one in descriptor.files:
        size = "" if one.size is None else f' ovf:size="{one.size}"'
        lines.append(f"    <File ovf:id={_quoted(one.id)} ovf:href={_quoted(one.name)}{size}/>")
    return [*lines, "  </References>"]


def _disks(descriptor: Descriptor) -> list[str]:
    lines = ["  <DiskSection>", "    <Info>Its disks</Info>"]
    for one in descriptor.disks:
        uri = URIS.get(one.format)
        if uri is None:
            raise UnsupportedPackage(what=f"disk {one.id}", problem=f"packages have no {one.format} here")
        file = f" ovf:fileRef={_quoted(one.file)}" if one.file else ""
        lines.append(
            f'    <Disk ovf:diskId={_quoted(one.id)}{file} ovf:capacity="{one.capacity}"'
            f' ovf:capacityAllocationUnits="byte" ovf:format={_quoted(uri)}/>'
        )
    return [*lines, "  </DiskSection>"]


def _networks(descriptor: Descriptor) -> list[str]:
    names = sorted({one.network or one.bridge or _NETWORK for one in descriptor.nics})
    if not names:
        return []
    lines = ["  <NetworkSection>", "    <Info>Networks of its cards</Info>"]
    for name in names:
        lines.append(f"    <Network ovf:name={_quoted(name)}>")
        lines.append("      <Description>A network of the host</Description>")
        lines.append("    </Network>")
    return [*lines, "  </NetworkSection>"]


def _system(descriptor: Descriptor) -> list[str]:
    return [
        f'    <OperatingSystemSection ovf:id="{OS_IDS.get(descriptor.os_family, 1)}">',
        "      <Info>What runs in it</Info>",
        f"      <Description>{_text(descriptor.os_family or 'other')}</Description>",
        "    </OperatingSystemSection>",
    ]


def _hardware(descriptor: Descriptor) -> list[str]:
    lines = ["    <VirtualHardwareSection>", "      <Info>The machine</Info>", "      <System>"]
    system = {
        "ElementName": "Virtual Hardware Family",
        "InstanceID": "0",
        "VirtualSystemIdentifier": descriptor.name,
        "VirtualSystemType": _FAMILY,
    }
    lines += [f"        <vssd:{name}>{_text(value)}</vssd:{name}>" for name, value in system.items()]
    lines.append("      </System>")
    for number, one in enumerate(_items(descriptor), 1):
        lines.append("      <Item>")
        full = {**one, "InstanceID": str(number)}
        lines += [f"        <rasd:{name}>{_text(full[name])}</rasd:{name}>" for name in sorted(full)]
        lines.append("      </Item>")
    if descriptor.firmware:
        value = _quoted(descriptor.firmware)
        lines.append(f'      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value={value}/>')
    return [*lines, "    </VirtualHardwareSection>"]


def _items(descriptor: Descriptor) -> list[dict[str, str]]:
    """Elements of each item; the number of an item is its place in the list. Parents come first."""
    mebibytes = (descriptor.memory + (1 << 20) - 1) >> 20
    items = [
        _item(PROCESSOR, f"{descriptor.vcpus} processors", VirtualQuantity=str(descriptor.vcpus)),
        _item(
            MEMORY,
            f"{mebibytes} MiB of memory",
            VirtualQuantity=str(mebibytes),
            AllocationUnits=_MEBIBYTES,
        ),
    ]
    parents: dict[str, int] = {}
    for one in descriptor.disks:
        bus = "ide" if one.bus == "ide" else "scsi"
        if bus not in parents:
            more = {} if bus == "ide" else {"ResourceSubType": _SCSI_MODEL}
            items.append(_item(IDE if bus == "ide" else SCSI, f"{bus} 0", Address="0", **more))
            parents[bus] = len(items)
    places = dict.fromkeys(parents, 0)
    for one in descriptor.disks:
        bus = "ide" if one.bus == "ide" else "scsi"
        items.append(_disk(one, parents[bus], places[bus]))
        places[bus] += 1
    for number, nic in enumerate(descriptor.nics):
        network = nic.network or nic.bridge or _NETWORK
        more = {"ResourceSubType": nic.model} if nic.model else {}
        items.append(_item(ETHERNET, f"eth{number}", AutomaticAllocation="true", Connection=network, **more))
    for number, device in enumerate(descriptor.drives):
        kind = CD if device == "cd" else FLOPPY
        items.append(_item(kind, f"{device}{number}", AutomaticAllocation="false"))
    return items


def _disk(disk: Disk, parent: int, place: int) -> dict[str, str]:
    more = {"ResourceSubType": "virtio"} if disk.bus == "virtio" else {}
    return _item(
        DISK,
        disk.id,
        HostResource=f"ovf:/disk/{disk.id}",
        Parent=str(parent),
        AddressOnParent=str(place),
        **more,
    )


def _item(kind: int, name: str, **more: str) -> dict[str, str]:
    return {"ElementName": name, "ResourceType": str(kind), **more}


def _ours(descriptor: Descriptor) -> list[str]:
    lines = ['    <gw:TemplateSection ovf:required="false">', "      <Info>What OVF has no words for</Info>"]
    about = {
        "family": descriptor.os_family,
        "firmware": descriptor.firmware,
        "machine": descriptor.machine,
        "memory": str(descriptor.memory),
        "sealed": str(descriptor.sealed).lower(),
    }
    lines.append(f"      <gw:Template{_attributes(about)}/>")
    lines += [
        f"      <gw:Disk{_attributes({'id': one.id, 'target': one.target})}/>" for one in descriptor.disks
    ]
    for nic in descriptor.nics:
        said = {"bridge": nic.bridge, "model": nic.model, "network": nic.network}
        lines.append(f"      <gw:Nic{_attributes(said)}/>")
    for one in descriptor.payloads:
        lines += _payload(one)
    return [*lines, "    </gw:TemplateSection>"]


def _payload(payload: Payload) -> list[str]:
    names = ("device", "form", "label", "name", "persistence")
    lines = [f"      <gw:Payload{_attributes({name: getattr(payload, name) for name in names})}>"]
    for name, size in payload.files:
        lines.append(f"        <gw:File{_attributes({'name': name, 'size': str(size)})}/>")
    return [*lines, "      </gw:Payload>"]


def _attributes(values: dict[str, str]) -> str:
    return "".join(f" {name}={_quoted(value)}" for name, value in values.items())


def _quoted(text: str) -> str:
    return f'"{escape(printable(text))}"'


def _text(text: str) -> str:
    return escape(printable(" ".join(text.splitlines())), quote=False)
