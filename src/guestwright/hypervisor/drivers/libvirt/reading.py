"""A domain out of libvirt's XML (https://libvirt.org/formatdomain.html)."""

from __future__ import annotations

from typing import Final

from guestwright.hypervisor.domain import (
    Boundary,
    Bus,
    Channel,
    Device,
    Domain,
    DomainId,
    Drive,
    Firmware,
    Nic,
    OsFamily,
    Platform,
    State,
    Virtualisation,
)
from guestwright.hypervisor.drivers.libvirt.document import Element, attribute, parse

OWNER: Final = "urn:guestwright:domain:1"
OSINFO: Final = "http://libosinfo.org/xmlns/libvirt/domain/1.0"

_UNITS: Final = {"": 1 << 10, "b": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_DEVICES: Final = {"": Device.DISK, "disk": Device.DISK, "cdrom": Device.CD, "floppy": Device.FLOPPY}
_BUSES: Final = {each.value: each for each in Bus}
_STATES: Final = {  # virDomainState
    1: State.RUNNING,
    2: State.RUNNING,
    3: State.PAUSED,
    4: State.STOPPING,
    6: State.CRASHED,
    7: State.SLEEPING,
}
# Makers in libosinfo's ids, which are URLs. For one that is not here nothing is guessed.
_MAKERS: Final = {
    OsFamily.WINDOWS: "microsoft.com",
    OsFamily.BSD: "freebsd.org openbsd.org netbsd.org dragonflybsd.org",
    OsFamily.LINUX: "almalinux.org alpinelinux.org altlinux.org amazon.com archlinux.org centos.org "
    "debian.org endlessos.com fedoraproject.org gentoo.org guix.gnu.org libosinfo.org mageia.org nixos.org "
    "opensuse.org oracle.com redhat.com rockylinux.org suse.com ubuntu.com voidlinux.org",
}
_FAMILIES: Final = {maker: family for family, makers in _MAKERS.items() for maker in makers.split()}


def read_domain(text: str, *, state: int, persistent: bool, saved: bool) -> Domain:
    """A domain.

    Args:
        text: its XML, of the run or of the definition.
        state: libvirt's number for what it does.
        persistent: whether there is a definition.
        saved: whether its memory lies on the host's disk.

    Raises:
        HypervisorRefused: the text is not what libvirt writes.
    """
    root = parse(text, "a domain")
    devices = root.find("devices")
    devices = Element("devices") if devices is None else devices
    number = root.get("id", "")
    idle = State.SUSPENDED if saved else State.OFF
    platform = read_platform(root)
    return Domain(
        uuid=DomainId(root.findtext("uuid", "")),
        name=root.findtext("name", ""),
        run=int(number) if number else None,
        state=_STATES.get(state, State.RUNNING) if number else idle,
        persistent=persistent,
        owned=root.find(f"metadata/{{{OWNER}}}domain") is not None,
        platform=platform,
        os=family(attribute(root, f"metadata/{{{OSINFO}}}libosinfo/{{{OSINFO}}}os", "id")),
        memory_maximum=_bytes(root, "memory"),
        memory_actual=_bytes(root, "currentMemory") or _bytes(root, "memory"),
        vcpus=_number(root.findtext("vcpu", "1")),
        drives=tuple(each for each in map(read_drive, devices.findall("disk")) if each is not None),
        channels=tuple(each for each in map(_channel, devices.findall("channel")) if each is not None),
        nics=tuple(map(_nic, devices.findall("interface"))),
        controllers=frozenset(
            f"{each.get('type', '')}:{each.get('model', '')}" for each in devices.findall("controller")
        ),
        balloon=platform.virtualisation is Virtualisation.XEN
        or attribute(devices, "memballoon", "model") not in {"", "none"},
    )


def read_platform(root: Element) -> Platform:
    """The machine that a domain's document describes."""
    kind = root.get("type", "")
    virtualisation = {"kvm": Virtualisation.KVM, "xen": Virtualisation.XEN}.get(kind, Virtualisation.QEMU)
    boundary = {"linux": Boundary.PV, "xen": Boundary.PV, "xenpvh": Boundary.PVH}.get(
        root.findtext("os/type", ""), Boundary.HVM
    )
    efi = attribute(root, "os", "firmware") == "efi" or attribute(root, "os/loader", "type") == "pflash"
    bare = boundary is not Boundary.HVM
    return Platform(
        virtualisation=virtualisation,
        boundary=boundary,
        arch=attribute(root, "os/type", "arch") or "x86_64",
        machine=attribute(root, "os/type", "machine"),
        firmware=Firmware.NONE if bare else Firmware.EFI if efi else Firmware.BIOS,
    )


def family(os_id: str) -> OsFamily:
    """The family of a system that libosinfo names, "http://debian.org/debian/12"."""
    maker = os_id.partition("://")[2].partition("/")[0].removeprefix("www.")
    return _FAMILIES.get(maker, OsFamily.UNKNOWN)


def read_drive(disk: Element) -> Drive | None:
    """A drive; None for a kind or bus that no word of ours fits (a LUN, an SD card)."""
    device = _DEVICES.get(disk.get("device", ""))
    bus = _BUSES.get(attribute(disk, "target", "bus"))
    if device is None or bus is None:
        return None
    source = disk.find("source")
    medium = "" if source is None else source.get("file") or source.get("dev") or ""
    return Drive(
        device=device,
        bus=bus,
        target=attribute(disk, "target", "dev"),
        medium=medium,
        format=attribute(disk, "driver", "type") if medium else "",
        read_only=disk.find("readonly") is not None,
        serial=disk.findtext("serial", ""),
    )


def _channel(channel: Element) -> Channel | None:
    path = attribute(channel, "source", "path")
    name = attribute(channel, "target", "name")
    if channel.get("type") != "unix" or attribute(channel, "source", "mode") != "bind" or not (path and name):
        return None
    is_open = {"connected": True, "disconnected": False}.get(attribute(channel, "target", "state"))
    return Channel(name=name, path=path, open=is_open, alias=attribute(channel, "alias", "name"))


def _nic(interface: Element) -> Nic:
    network, bridge = attribute(interface, "source", "network"), attribute(interface, "source", "bridge")
    return Nic(
        mac=attribute(interface, "mac", "address").lower(),
        source=network or bridge,
        bridged=bool(bridge) and not network,
        model=attribute(interface, "model", "type"),
        host_device=attribute(interface, "target", "dev"),
    )


def _bytes(root: Element, name: str) -> int:
    return _number(root.findtext(name, "0")) * _UNITS.get(attribute(root, name, "unit"), 1 << 10)


def _number(text: str) -> int:
    plain = text.strip()
    return int(plain) if plain.isdecimal() and len(plain) < 20 else 0
