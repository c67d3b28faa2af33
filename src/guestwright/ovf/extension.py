"""Our own section of a descriptor: what OVF has no words for, and others may ignore. Pure.

    <gw:TemplateSection ovf:required="false">
      <Info>…</Info>
      <gw:Template family="linux" machine="q35" firmware="efi"
                   memory="536870912" sealed="true"/>
      <gw:Disk id="disk1" target="vda"/>
      <gw:Nic network="" bridge="br0" model="virtio"/>
      <gw:Payload device="cd" persistence="permanent" name="web" form="nocloud" label="cidata">
        <gw:File name="user-data" size="120"/>
      </gw:Payload>
    </gw:TemplateSection>

A payload is described by its shape: there is no place for what is in it.
"""

from __future__ import annotations

import re
from typing import Final

from guestwright.base.printable import printable
from guestwright.base.record import replace
from guestwright.ovf.errors import BadDescriptor
from guestwright.ovf.model import Descriptor, Nic, Payload
from guestwright.ovf.tree import Node
from guestwright.ovf.units import size
from guestwright.ovf.words import OURS

PAYLOADS_MAX: Final = 8
PAYLOAD_FILES_MAX: Final = 1024
DEVICES: Final = ("cd", "floppy")
PERSISTENCES: Final = ("permanent", "run-once")
_TEXT_MAX: Final = 255
_TARGET: Final = re.compile(r"(vd|sd|hd|xvd)[a-z]{1,2}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


def extended(plain: Descriptor, section: Node) -> Descriptor:
    """A descriptor with what our own section adds to it.

    Raises:
        BadDescriptor: the section is none that we write.
    """
    about = section.first(OURS, "Template")
    if about is None:
        raise BadDescriptor(problem="our own section says nothing of the template")
    targets = {one.get("", "id"): one.get("", "target") for one in section.all(OURS, "Disk")}
    known = [one.id for one in plain.disks]
    if any(target and not _TARGET.fullmatch(target) for target in targets.values()):
        raise BadDescriptor(problem="our own section has a disk in no drive that there is")
    disks = tuple(replace(one, target=targets.get(one.id, "")) for one in plain.disks)
    named = [one.target for one in disks if one.target]
    if len(set(named)) != len(named) or not targets.keys() <= set(known):
        raise BadDescriptor(problem="our own section does not fit the disks")
    nics = tuple(
        Nic(network=_text(one, "network"), bridge=_text(one, "bridge"), model=_word(one, "model"))
        for one in section.all(OURS, "Nic")
    )
    if len(nics) != len(plain.nics):
        raise BadDescriptor(problem="our own section does not fit the network cards")
    return replace(
        plain,
        os_family=_word(about, "family"),
        machine=_word(about, "machine"),
        memory=size(about.get("", "memory"), "", "memory"),
        firmware=_word(about, "firmware"),
        sealed=about.get("", "sealed") == "true",
        disks=disks,
        nics=nics,
        payloads=_payloads(section),
    )


def _payloads(section: Node) -> tuple[Payload, ...]:
    found = list(section.all(OURS, "Payload"))
    if len(found) > PAYLOADS_MAX:
        raise BadDescriptor(problem=f"more than {PAYLOADS_MAX} payloads")
    return tuple(_payload(one) for one in found)


def _payload(node: Node) -> Payload:
    device, persistence = node.get("", "device"), node.get("", "persistence")
    if device not in DEVICES or persistence not in PERSISTENCES:
        raise BadDescriptor(problem="a payload is on a cd or floppy, permanent or run-once")
    files = [
        (_text(one, "name"), size(one.get("", "size"), "", "a payload")) for one in node.all(OURS, "File")
    ]
    if len(files) > PAYLOAD_FILES_MAX:
        raise BadDescriptor(problem=f"a payload of more than {PAYLOAD_FILES_MAX} files")
    return Payload(
        device=device,
        persistence=persistence,
        name=_text(node, "name"),
        form=_word(node, "form"),
        label=_text(node, "label"),
        files=tuple(files),
    )


def _text(node: Node, name: str) -> str:
    return printable(node.get("", name))[:_TEXT_MAX]


def _word(node: Node, name: str) -> str:
    found = node.get("", name)
    if found and not _WORD.fullmatch(found):
        raise BadDescriptor(problem=f"our own section: {printable(found[:80])!r} is no {name}")
    return found
