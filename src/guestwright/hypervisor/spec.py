"""What a domain, a drive or a run shall be: checked when it is made, so that no driver has to.

Facts: uuid, MAC and name forms as libvirt takes them (https://libvirt.org/formatdomain.html); a name of a
virtio-serial port ends up in a file name of the guest's, so it is kept to what every system can hold.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from guestwright.base.record import record
from guestwright.hypervisor.domain import Bus, Device, DomainId, Firmware, OsFamily, Platform
from guestwright.hypervisor.errors import BadDomainSpec
from guestwright.hypervisor.targets import is_target

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:@-]{0,127}")
_MAC: Final = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")  # the odd ones are group addresses
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_SERIAL: Final = re.compile(r"[A-Za-z0-9_.+-]{0,20}")  # 20 characters is what virtio-blk can say
_FORMATS: Final = ("raw", "qcow2")
_PATH_MAX: Final = 1024
_SOCKET_PATH_MAX: Final = 107  # sun_path of unix(7), without the final NUL
_MEMORY_MIN, _MEMORY_MAX = 1 << 20, 1 << 46
_VCPUS_MAX: Final = 1024
BANDWIDTH_MAX: Final = 1 << 20  # MiB a second
_DRIVES_MAX: Final = 100


class When(StrEnum):
    """Which state of a domain a change is made to."""

    NOW = "now"  # the run, until it ends
    NEXT_START = "next-start"  # the definition
    BOTH = "both"  # the definition, and the run if there is one


class BootFrom(StrEnum):
    """What firmware tries."""

    DISK = "disk"
    CD = "cd"
    FLOPPY = "floppy"
    NETWORK = "network"


@record
class DriveSpec:
    """A drive to have.

    Attributes:
        device: its kind; CDs are read-only always.
        bus: what it hangs on (see `placement.place`).
        target: its name; "" takes the first that is free.
        medium: absolute host path of an image; "" is an empty drive (not for disks).
        format: of the image; stated, never guessed.
        read_only: whether the guest may only read.
        serial: by which a guest can know it.
    """

    device: Device
    bus: Bus
    target: str = ""
    medium: str = ""
    format: str = "raw"
    read_only: bool = False
    serial: str = ""

    def __post_init__(self) -> None:
        if self.medium or self.device is Device.DISK:
            check_path("medium", self.medium)
        if self.format not in _FORMATS:
            raise BadDomainSpec(field="format", value=self.format, problem="give raw or qcow2")
        if self.target and not is_target(self.target, self.bus):
            raise BadDomainSpec(field="target", value=self.target, problem=f"is no name on bus {self.bus}")
        if (self.device is Device.FLOPPY) != (self.bus is Bus.FDC):
            raise BadDomainSpec(field="bus", value=self.bus, problem=f"is not for a {self.device} drive")
        _check("serial", self.serial, _SERIAL, "at most 20 letters, digits and _ . + -")


@record
class ChannelSpec:
    """A line to have: the hypervisor listens at `path`, the guest finds a port called `name`."""

    name: str
    path: str

    def __post_init__(self) -> None:
        _check("channel", self.name, _WORD, "1 to 63 letters, digits and _ . -")
        check_path("channel path", self.path, limit=_SOCKET_PATH_MAX)


@record
class NicSpec:
    """A network card to have: in a network of libvirt's (`network`) or on a bridge of the host's."""

    mac: str
    network: str = ""
    bridge: str = ""
    model: str = "virtio"

    def __post_init__(self) -> None:
        _check("mac", self.mac, _MAC, "six pairs of lower-case hex digits with colons, not a group address")
        if bool(self.network) == bool(self.bridge):
            raise BadDomainSpec(field="nic", value=self.mac, problem="give either a network or a bridge")
        _check("source", self.network or self.bridge, _WORD, "1 to 63 letters, digits and _ . -")
        _check("model", self.model, _WORD, "1 to 63 letters, digits and _ . -")


@record
class KernelSpec:
    """A kernel that the hypervisor loads itself: host paths and the command line."""

    kernel: str
    initrd: str = ""
    command_line: str = ""

    def __post_init__(self) -> None:
        check_path("kernel", self.kernel)
        if self.initrd:
            check_path("initrd", self.initrd)
        if not self.command_line.isprintable():
            raise BadDomainSpec(field="command line", value=self.command_line, problem="must print")


@record
class DomainSpec:
    """A domain to define.

    Attributes:
        uuid: chosen by the caller, so that asking twice makes one domain.
        name: of the domain.
        platform: the machine it sees.
        os: family of its system.
        memory_maximum: bytes.
        memory_target: bytes after the start; 0 is the maximum.
        vcpus: processors.
        drives: disks, CDs, floppies.
        channels: lines to the guest.
        nics: network cards.
        boot: what firmware tries, in order.
        kernel: loaded by the hypervisor instead.
        console: host path of a file that takes what the guest writes to its first serial port; "" for none.
    """

    uuid: DomainId
    name: str
    platform: Platform
    memory_maximum: int
    os: OsFamily = OsFamily.UNKNOWN
    memory_target: int = 0
    vcpus: int = 1
    drives: tuple[DriveSpec, ...] = ()
    channels: tuple[ChannelSpec, ...] = ()
    nics: tuple[NicSpec, ...] = ()
    boot: tuple[BootFrom, ...] = (BootFrom.DISK,)
    kernel: KernelSpec | None = None
    console: str = ""

    def __post_init__(self) -> None:
        check_uuid(self.uuid)
        _check("name", self.name, _NAME, "1 to 128 letters, digits and _ . + : @ -, none of the signs first")
        for word in (self.platform.arch, self.platform.machine or "x"):
            _check("platform", word, _WORD, "1 to 63 letters, digits and _ . -")
        check_memory(self.memory_maximum, _MEMORY_MAX)
        if self.memory_target:
            check_memory(self.memory_target, self.memory_maximum)
        if not 1 <= self.vcpus <= _VCPUS_MAX:
            raise BadDomainSpec(field="vcpus", value=self.vcpus, problem=f"1 to {_VCPUS_MAX}")
        if len(self.drives) > _DRIVES_MAX:
            raise BadDomainSpec(field="drives", value=len(self.drives), problem=f"at most {_DRIVES_MAX}")
        _distinct("target", [each.target for each in self.drives if each.target])
        _distinct("channel", [each.name for each in self.channels])
        _distinct("mac", [each.mac for each in self.nics])
        if self.console:
            check_path("console", self.console)
        if self.platform.firmware is Firmware.NONE and self.kernel is None:
            raise BadDomainSpec(field="firmware", value="none", problem="needs a kernel to start")


@record
class RunOnce:
    """What is different in one run of a domain; its definition stays as it is.

    Attributes:
        media: what to put into drives that are there: (target, absolute path of a raw image or "" for none).
        drives: drives to have besides.
        boot: what firmware tries; empty leaves the definition's order.
        paused: start with the guest's processors stopped.
    """

    media: tuple[tuple[str, str], ...] = ()
    drives: tuple[DriveSpec, ...] = ()
    boot: tuple[BootFrom, ...] = ()
    paused: bool = False

    def __post_init__(self) -> None:
        for _, path in self.media:
            if path:
                check_path("medium", path)
        _distinct("target", [target for target, _ in self.media])


@record
class Migration:
    """How a domain moves to another host.

    Attributes:
        destination: URI of the hypervisor there, as this host's daemon reaches it.
        data: URI on which memory is sent; "" leaves the choice to the hypervisor.
        live: whether the guest runs meanwhile.
        tls: whether memory is sent over TLS with the certificates that the daemons have.
        unsafe: go on although a disk may be cached on this side.
        bandwidth: MiB of memory that are sent a second at most; 0 leaves it to the hypervisor.
    """

    destination: str
    data: str = ""
    live: bool = True
    tls: bool = False
    unsafe: bool = False
    bandwidth: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.bandwidth <= BANDWIDTH_MAX:
            raise BadDomainSpec(field="bandwidth", value=self.bandwidth, problem="is no MiB a second")
        for uri in (self.destination, self.data or "a:"):
            if not re.fullmatch(r"[a-z][a-z0-9+]*:[!-~]*", uri):
                raise BadDomainSpec(field="destination", value=uri, problem="is no URI")


def check_uuid(uuid: str) -> DomainId:
    """The uuid itself, if it is one in lower case with dashes."""
    _check("uuid", uuid, _UUID, "32 lower-case hex digits with dashes")
    return DomainId(uuid)


def check_path(field: str, path: str, *, limit: int = _PATH_MAX) -> str:
    """The path itself, if it is absolute, plain and not too long."""
    plain = path.startswith("/") and path.isprintable() and "/../" not in path + "/"
    if not plain or len(path.encode("utf-8", "surrogateescape")) > limit:
        problem = f"give an absolute path of at most {limit} bytes that prints and has no .."
        raise BadDomainSpec(field=field, value=path, problem=problem)
    return path


def check_memory(amount: int, maximum: int) -> int:
    """The amount itself, if it is whole KiB between 1 MiB and `maximum` bytes."""
    if amount % 1024 or not _MEMORY_MIN <= amount <= maximum:
        problem = f"give whole KiB, 1 MiB to {maximum} bytes"
        raise BadDomainSpec(field="memory", value=amount, problem=problem)
    return amount


def _check(field: str, value: str, form: re.Pattern[str], problem: str) -> None:
    if not form.fullmatch(value):
        raise BadDomainSpec(field=field, value=value, problem=problem)


def _distinct(field: str, values: list[str]) -> None:
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise BadDomainSpec(field=field, value=twice[0], problem="is named twice")
