"""What a descriptor says, as values. Pure.

Nothing here can hold the contents of a payload: of one there is its shape only, see `Payload`.
"""

from __future__ import annotations

from enum import StrEnum

from guestwright.base.record import field, record


class Format(StrEnum):
    """How the content of a disk lies in its file. Only the first two are read and written here."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VMDK = "vmdk"
    VHD = "vhd"
    VDI = "vdi"
    OTHER = "other"


@record
class File:
    """A file of the package.

    Attributes:
        id: by which the descriptor refers to it.
        name: in the package: never a path.
        size: bytes; None where it is not said.
    """

    id: str
    name: str
    size: int | None = None


@record
class Disk:
    """A disk.

    Attributes:
        id: by which drives refer to it.
        file: id of the file with its content; "" for an empty disk.
        format: of the file.
        uri: that says so, as it was written.
        capacity: bytes that a machine sees.
        bus: "virtio", "scsi", "sata", "ide" or "": what it hangs on.
        target: name of its drive, "vda"; "" where it is not said.
    """

    id: str
    file: str
    format: Format
    uri: str = ""
    capacity: int
    bus: str = ""
    target: str = ""


@record
class Nic:
    """A network card.

    Attributes:
        network: that it is in; "" where it is not said.
        bridge: of the host, instead of a network; only among our own packages.
        model: in QEMU's words; "" where it is not said.
    """

    network: str = ""
    bridge: str = ""
    model: str = ""


@record
class Payload:
    """The shape of a payload that machines made of this got, without its contents, which are in no package.

    Attributes:
        device: "cd" or "floppy".
        persistence: "permanent" or "run-once".
        name: of the payload object.
        form: who reads it: "nocloud", "files" ….
        label: of the volume.
        files: sizes by name.
    """

    device: str
    persistence: str
    name: str = ""
    form: str = ""
    label: str = ""
    files: tuple[tuple[str, int], ...] = field(default=())


@record
class Descriptor:
    """One machine, or a template of machines.

    Attributes:
        name: of it.
        description: for people.
        os_family: "linux", "windows", "freebsd" or "".
        vcpus: processors.
        memory: bytes.
        firmware: "bios", "efi" or "".
        machine: type of machine in the hypervisor's words, or "".
        files: of the package, in the order in which they are named.
        disks: in the order of its drives, the boot disk first.
        nics: in order.
        drives: "cd" and "floppy" drives, which are empty.
        payloads: shapes.
        sealed: whether whoever wrote it says that the disks were sealed. A claim, no more.
        notes: what was left out while reading, for people.
    """

    name: str
    description: str = ""
    os_family: str = ""
    vcpus: int
    memory: int
    firmware: str = ""
    machine: str = ""
    files: tuple[File, ...] = field(default=())
    disks: tuple[Disk, ...] = field(default=())
    nics: tuple[Nic, ...] = field(default=())
    drives: tuple[str, ...] = field(default=())
    payloads: tuple[Payload, ...] = field(default=())
    sealed: bool = False
    notes: tuple[str, ...] = field(default=())

    def file(self, id_: str) -> File | None:
        """The file of an id."""
        return next((one for one in self.files if one.id == id_), None)
