"""Things of the inventory as records.

Each has an id, a version that rises by one with each change, and two times in seconds since 1970; the
database sets the latter three. Sizes are bytes; "" is no text; None is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from guestwright.base.record import field, record
from guestwright.engine.inventory.choices import Device, DiskFormat, Persistence, Role
from guestwright.engine.inventory.states import (
    HostState,
    PayloadState,
    Power,
    Sealing,
    SysprepState,
    TemplateState,
    VmState,
    VolumeKind,
    VolumeState,
)


@record
class Thing:
    """What all have: `id` (a UUID in lower case), `version`, and when it was `created` and last `changed`."""

    id: str
    version: int = 1
    created: float = 0.0
    changed: float = 0.0


@record
class Host(Thing):
    """A hypervisor host: `address` of its service (host:port, or unix:path), link `state` with `reason`."""

    name: str
    address: str
    state: HostState = HostState.JOINING
    reason: str = ""
    hypervisor: str = ""
    software: str = ""
    cpus: int = 0
    memory: int = 0


@record
class StorageDomain(Thing):
    """A directory of volumes on a host, by the name that the host's service knows it by; sizes in bytes."""

    host_id: str
    name: str
    state: HostState = HostState.JOINING
    reason: str = ""
    capacity: int = 0
    free: int = 0


@record
class Volume(Thing):
    """An image in a storage domain.

    `generation` is the host's, to be named with each change there; `job` is who is at work on it.
    """

    domain_id: str
    format: DiskFormat
    size: int
    state: VolumeState = VolumeState.LOCKED
    kind: VolumeKind = VolumeKind.LEAF
    sealing: Sealing = Sealing.NONE
    reason: str = ""
    generation: int = 0
    parent_id: str | None = None
    job: str = ""
    description: str = ""


@record
class Disk(Thing):
    """A disk as its owner sees it, whatever volume holds its content now."""

    name: str
    description: str = ""
    volume_id: str | None = None
    shareable: bool = False


@record
class Upload(Thing):
    """A disk that is being uploaded; its id is the ticket that the host knows it by.

    `file_size` is that of the file, bytes, `sha256` what it must have or "", `job` who ends it.
    """

    disk_id: str
    file_size: int
    sha256: str = ""
    job: str = ""


@record
class Template(Thing):
    """What versions of one template have in common."""

    name: str
    description: str = ""


@record
class TemplateVersion(Thing):
    """A version: `sealed` says that its disks had to be, `source` which machine it was made from."""

    template_id: str
    number: int
    vcpus: int
    memory: int
    label: str = ""
    state: TemplateState = TemplateState.LOCKED
    sealed: bool = True
    source: str = ""
    os_family: str = ""
    firmware: str = ""
    machine: str = ""
    job: str = ""


@record
class Vm(Thing):
    """A machine; its id is the domain's UUID. `job` is who has locked it, `initialised`: has been up once."""

    name: str
    vcpus: int
    memory: int
    description: str = ""
    state: VmState = VmState.CREATING
    power: Power = Power.OFF
    reason: str = ""
    host_id: str | None = None
    template_version_id: str | None = None
    os_family: str = ""
    firmware: str = ""
    machine: str = ""
    initialised: bool = False
    job: str = ""
    owner_id: str | None = None


@record
class Drive(Thing):
    """A drive of a machine or of a template version: one of the two ids. `target` is "sda", "hdc" …."""

    device: Device
    bus: str
    target: str
    vm_id: str | None = None
    template_version_id: str | None = None
    disk_id: str | None = None
    position: int = 0
    read_only: bool = False


@record
class Nic(Thing):
    """A network card of a machine or of a template version, which has no `mac`."""

    vm_id: str | None = None
    template_version_id: str | None = None
    position: int = 0
    mac: str | None = None
    network: str = ""
    bridge: str = ""
    model: str = "virtio"


@record
class Sysprep(Thing):
    """A sysprep of a machine, wanted by `actor`: a `job` of a `host`, which may be gone meanwhile.

    `percent` and `progress` are the host's words while it goes on; `ended` is 0 before its end. What
    failed has a `code` and a `reason`.
    """

    vm_id: str
    state: SysprepState = SysprepState.REQUESTED
    reason: str = ""
    job: str = ""
    actor: str = ""
    host: str = ""
    progress: str = ""
    code: str = ""
    percent: int = 0
    ended: float = 0.0


@record
class Alarm(Thing):
    """An identity that several machines claim; `machines`: ids, each between two spaces.

    `host_id` is where they are, None when they are on several hosts. `claimants` is how many there are: of
    very many not all are listed.
    """

    host_id: str | None
    kind: str
    value: str
    machines: str
    claimants: int


@record
class PayloadObject(Thing):
    """A payload without its contents; `current` is its newest version."""

    name: str
    description: str = ""
    current: int = 1


@record
class PayloadUpload(Thing):
    """A payload that is being uploaded: its files, one after the other, `size` bytes in all.

    `files` are pairs of name and size in bytes. It becomes a payload of that `name`, or a version of
    `payload_id`, whose version must then be `expected` if that is not None. `writes` counts them.
    """

    author: str
    files: Sequence[tuple[str, int]]
    size: int
    label: str
    name: str = ""
    description: str = ""
    payload_id: str | None = None
    expected: int | None = None
    writes: int = 0


@record
class PayloadUse(Thing):
    """That a machine, or what is made of a template version, gets a payload; `number` None: the newest."""

    payload_id: str
    persistence: Persistence
    device: Device = Device.CD
    number: int | None = None
    vm_id: str | None = None
    template_version_id: str | None = None
    state: PayloadState = PayloadState.DEFINED
    reason: str = ""


@record
class User(Thing):
    """A local user. `password` is an Argon2id hash and is never shown; the two rights come with no role."""

    name: str
    role: Role
    password: str = field(repr=False)
    full_name: str = ""
    payload_contents: bool = False
    guest_exec: bool = False
    enabled: bool = True


@record
class Token(Thing):
    """A token of a user: may do what both its own row and the user's allow, until `expires` (since 1970)."""

    user_id: str
    name: str
    role: Role
    digest: str = field(repr=False)
    expires: float
    payload_contents: bool = False
    guest_exec: bool = False
    used: float = 0.0
