"""Read descriptors, ours and those of VirtualBox, VMware and oVirt as far as they fit. Pure.

Theory of operation: what decides which machine comes of it is read and checked; what is merely not known
here is left out and noted, unless the descriptor demands that it be understood (`ovf:required="true"`;
the format takes what says nothing for a demand, but products leave it out of what nobody needs). oVirt writes
an early form of the format: `<Section xsi:type="ovf:DiskSection_Type">` for `<DiskSection>`, and `Content`
for `VirtualSystem`.
"""

from __future__ import annotations

from typing import Final

from guestwright.base.printable import printable
from guestwright.base.record import replace
from guestwright.ovf.errors import BadDescriptor, UnsupportedPackage
from guestwright.ovf.extension import extended
from guestwright.ovf.hardware import Hardware, demanded, hardware
from guestwright.ovf.model import Descriptor, Disk, File
from guestwright.ovf.names import plain_name
from guestwright.ovf.tree import Node, parse
from guestwright.ovf.units import size, whole
from guestwright.ovf.words import OURS, OVF, VMW, XSI, family_of, format_of

FILES_MAX: Final = 128
DISKS_MAX: Final = 64
_TEXT_MAX: Final = 4096
_NAME_MAX: Final = 255
_GIB: Final = "byte * 2^30"
_SYSTEM: Final = "VirtualSystem"
_READ: Final = frozenset(
    ("DiskSection", "NetworkSection", "OperatingSystemSection", "VirtualHardwareSection", "AnnotationSection")
)
_KNOWN: Final = frozenset(
    (
        *("ProductSection", "EulaSection", "ResourceAllocationSection", "StartupSection", "InstallSection"),
        *("DeploymentOptionSection", "Strings"),
        *(
            "SnapshotsSection",
            "AffinityGroupsSection",
            "AffinityLabelsSection",
            "UserDomainsSection",
        ),  # oVirt
    )
)
"""Sections that say nothing that machines made of a template here could have."""


def read(data: bytes) -> Descriptor:
    """What a descriptor says.

    Args:
        data: of the file, at most 1 MiB.

    Raises:
        BadDescriptor: it breaks the format's rules, or our limits.
        UnsupportedPackage: it demands what there is not here.
        BadPackage: it names a file that no package may have.
    """
    root = parse(data)
    if root.name != "Envelope" or root.space != OVF:
        if root.name == "Envelope":
            what = f"an envelope of {printable(root.space[:80]) or 'no namespace'}"
            raise UnsupportedPackage(what=what, problem=f"OVF 1.x is {OVF}")
        raise BadDescriptor(problem=f"it begins with {printable(root.name[:80])}, not with an Envelope")
    files = _files(root)
    notes: list[str] = []
    system = _system(root, notes)
    disks = _disks(root, files)
    found = hardware(_one(system, "VirtualHardwareSection", notes), disks, _configuration(root), notes)
    return _descriptor(system, files, found, notes)


def _descriptor(system: Node, files: tuple[File, ...], found: Hardware, notes: list[str]) -> Descriptor:
    section = _one(system, "OperatingSystemSection", notes)
    used = {one.file for one in found.disks}
    notes += [f"file {one.name} is of no disk that is used" for one in files if one.id not in used]
    annotation = _section(system, "AnnotationSection")
    description = system.said(OVF, "Description") or (
        annotation.said(OVF, "Annotation") if annotation else ""
    )
    made = Descriptor(
        name=printable(system.said(OVF, "Name") or system.get(OVF, "id"))[:_NAME_MAX],
        description=printable(description)[:_TEXT_MAX],
        os_family=_family(section),
        vcpus=found.vcpus,
        memory=found.memory,
        firmware=found.firmware,
        files=files,
        disks=found.disks,
        nics=found.nics,
        drives=found.drives,
        sealed=system.said(OVF, "TemplateSealed").lower() == "true",  # oVirt's
        notes=tuple(notes),
    )
    ours = system.first(OURS, "TemplateSection")
    return made if ours is None else extended(made, ours)


def _files(root: Node) -> tuple[File, ...]:
    references = root.first(OVF, "References")
    found: dict[str, File] = {}
    for one in references.all(OVF, "File") if references else ():
        id_, name = _id(one, "id", "a file"), plain_name(one.get(OVF, "href"))
        if one.get(OVF, "compression") not in ("", "identity"):
            raise UnsupportedPackage(what=f"file {name}", problem="it is compressed as a whole")
        if one.get(OVF, "chunkSize"):
            raise UnsupportedPackage(what=f"file {name}", problem="it is cut into pieces (chunkSize)")
        bytes_ = one.get(OVF, "size")
        if id_ in found or any(name == each.name for each in found.values()):
            raise BadDescriptor(problem=f"file {name} is there twice")
        found[id_] = File(id=id_, name=name, size=size(bytes_, "", f"file {name}") if bytes_ else None)
        if len(found) > FILES_MAX:
            raise BadDescriptor(problem=f"more than {FILES_MAX} files")
    return tuple(found.values())


def _disks(root: Node, files: tuple[File, ...]) -> dict[str, Disk]:
    section = _section(root, "DiskSection")
    ids = {one.id for one in files}
    found: dict[str, Disk] = {}
    for one in section.all(OVF, "Disk") if section else ():
        id_ = _id(one, "diskId", "a disk")
        file = one.get(OVF, "fileRef")[:_NAME_MAX]
        if file and file not in ids:
            raise BadDescriptor(problem=f"disk {id_}: there is no file {printable(file)}")
        if one.get(OVF, "parentRef"):
            raise UnsupportedPackage(what=f"disk {id_}", problem="it stands on another (parentRef)")
        if id_ in found:
            raise BadDescriptor(problem=f"disk {id_} is there twice")
        uri = printable(one.get(OVF, "format"))[:_NAME_MAX]
        found[id_] = Disk(
            id=id_,
            file=file,
            format=format_of(uri, one.get(OVF, "volume-format")),
            uri=uri,
            capacity=_capacity(one, id_),
        )
        if len(found) > DISKS_MAX:
            raise BadDescriptor(problem=f"more than {DISKS_MAX} disks")
    return found


def _capacity(disk: Node, id_: str) -> int:
    capacity, what = disk.get(OVF, "capacity"), f"disk {id_}"
    if capacity:
        return size(capacity, disk.get(OVF, "capacityAllocationUnits"), what)
    return size(disk.get(OVF, "size") or "0", _GIB, what)  # oVirt's


def _system(root: Node, notes: list[str]) -> Node:
    """The machine; also checks which sections there are."""
    _understood(root, notes)
    if next(root.all(OVF, "VirtualSystemCollection"), None) is not None:
        raise UnsupportedPackage(what="a VirtualSystemCollection", problem="a template is one machine")
    found = [one for one in root.children if _kind(one) == _SYSTEM]
    if len(found) != 1:
        raise BadDescriptor(problem=f"{len(found)} machines (VirtualSystem); one is wanted")
    _understood(found[0], notes)
    return found[0]


def _understood(parent: Node, notes: list[str]) -> None:
    for one in parent.children:
        kind = _kind(one)
        foreign = one.space not in (OVF, OURS)
        if kind in _READ or not (foreign or kind.endswith("Section") or kind in _KNOWN):
            continue
        name = printable(f"{one.space}#{one.name}" if foreign else kind)[:_NAME_MAX]
        if one.space == OURS and kind == "TemplateSection":
            continue
        if foreign or kind not in _KNOWN:
            demanded(one, f"section {name}")
        notes.append(f"section {name} was left out")


def _kind(node: Node) -> str:
    """The name of a section, whichever form it is written in."""
    if node.space == OVF and node.name in ("Section", "Content"):
        written = node.attributes.get((XSI, "type"), "").rpartition(":")[2]
        return written.removesuffix("_Type")
    return node.name


def _section(parent: Node, kind: str) -> Node | None:
    return next((one for one in parent.children if one.space == OVF and _kind(one) == kind), None)


def _one(system: Node, kind: str, notes: list[str]) -> Node:
    """The section of a machine that it must have; of several the first."""
    found = [one for one in system.children if one.space == OVF and _kind(one) == kind]
    if not found:
        if kind == "OperatingSystemSection":
            return Node(OVF, kind, {})
        raise BadDescriptor(problem=f"the machine has no {kind}")
    if len(found) > 1:
        notes.append(f"the first {kind} of {len(found)} was taken")
    return found[0]


def _family(section: Node) -> str:
    number = section.get(OVF, "id")
    text = f"{section.said(OVF, 'Description')} {section.get(VMW, 'osType')}"
    plain = number if number.isascii() and number.isdigit() and len(number) < 6 else "0"
    return family_of(whole(plain, "operating system"), text)


def _configuration(root: Node) -> str:
    """The id of the configuration that is meant where nobody chooses."""
    section = _section(root, "DeploymentOptionSection")
    found = list(section.all(OVF, "Configuration")) if section else []
    meant = [one for one in found if one.get(OVF, "default") == "true"] or found
    return meant[0].get(OVF, "id") if meant else ""


def _id(node: Node, attribute: str, what: str) -> str:
    found = node.get(OVF, attribute)
    if not 0 < len(found) <= _NAME_MAX or not found.isprintable():
        raise BadDescriptor(problem=f"{what} without an id, or with none that could be one")
    return found


def with_files(descriptor: Descriptor, sizes: dict[str, int]) -> Descriptor:
    """A descriptor whose files have sizes.

    Args:
        descriptor: of a package.
        sizes: bytes by the file's id.
    """
    files = tuple(replace(one, size=sizes.get(one.id, one.size)) for one in descriptor.files)
    return replace(descriptor, files=files)
