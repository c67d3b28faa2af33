"""What /sys tells of a network interface: what it is, where it is plugged in, how fast it is.

Sources: Linux, Documentation/ABI/testing/sysfs-class-net; drivers/xen/xenbus (`nodename`); 4.4 of the NIC
layout in docs/xenstore-schema.md for the form of the ids.
"""

from __future__ import annotations

from guestwright.agent.core.facts import Nic

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.linux.rtnetlink import Link
    from guestwright.agent.unix.files import Files

_BUSES = ("pci", "usb")
_VIF = "device/vif/"
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")


def nic(link: Link, files: Files) -> Nic:
    """A link with what /sys knows of it; neither members nor addresses.

    A software interface, and hardware on a bus that is not published, is named by kind and index.
    """
    found = Nic(
        id=f"{segment(link.kind or 'other')}-{link.index}",
        kind=link.kind or "other",
        name=link.name,
        index=link.index,
        mac=link.mac,
        mtu=link.mtu,
        up=link.up,
        carrier=link.carrier,
        vlan=link.vlan,
        guid=link.bridge,
    )
    if link.kind or not link.name or "/" in link.name:
        return found
    return _hardware(found, f"/sys/class/net/{link.name}", files)


def _hardware(nic: Nic, directory: str, files: Files) -> Nic:
    device = f"{directory}/device"
    above, place = files.resolved(device).split("/")[-2:]
    bus = _last(files.link(f"{device}/subsystem"))
    driver = _last(files.link(f"{device}/driver"))
    kind, vif = bus, None
    if bus == "xen":
        node = files.text(f"{device}/nodename", 64)
        number = node[len(_VIF) :]
        if node != f"{_VIF}{number}" or not (number.isdigit() and number.isascii() and len(number) < 6):
            return nic
        kind, vif, ident = "vif", int(number), f"vif-{int(number)}"
    elif bus == "virtio":
        # virtio0 is numbered as drivers load; the PCI address stays. Without PCI, that number must do.
        place = above if ":" in above else place
        ident = f"pci-{segment(place)}" if ":" in place else segment(place.replace("virtio", "virtio-"))
    elif bus in _BUSES:
        ident = f"{bus}-{segment(place)}"
    else:
        return nic
    port = files.number(f"{directory}/dev_port")
    speed = files.number(f"{directory}/speed") if bus in _BUSES and nic.carrier else None
    return Nic(
        id=f"{ident}-port{port}" if port else ident,
        kind=kind,
        name=nic.name,
        index=nic.index,
        mac=nic.mac,
        mtu=nic.mtu,
        up=nic.up,
        carrier=nic.carrier,
        speed=speed if speed is not None and speed > 0 else None,
        driver=driver,
        bus="" if bus == "xen" else place,
        vif=vif,
    )


def segment(text: str) -> str:
    """Text as a part of an id."""
    return "".join(one if one in _LETTERS else "_" for one in text[:48])


def _last(path: str) -> str:
    return path.rpartition("/")[2]
