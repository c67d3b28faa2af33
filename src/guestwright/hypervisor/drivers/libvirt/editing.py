"""Changes to what libvirt says of a domain, so that all that others set on a drive stays as it was."""

from __future__ import annotations

from guestwright.hypervisor.assignment import assign
from guestwright.hypervisor.domain import Device, Virtualisation
from guestwright.hypervisor.drivers.libvirt.document import Element, make, parse, serialise
from guestwright.hypervisor.drivers.libvirt.reading import read_drive, read_platform
from guestwright.hypervisor.drivers.libvirt.writing import boot_elements, drive_element
from guestwright.hypervisor.errors import DriveNotFound, DriveNotRemovable
from guestwright.hypervisor.spec import RunOnce

# What belongs to the medium that was in the drive, or to the run: libvirt makes it anew.
_OF_THE_MEDIUM = ("source", "backingStore", "mirror", "alias")


def with_medium(text: str, domain: str, target: str, medium: str) -> str:
    """The XML of a drive with another medium.

    Args:
        text: XML of its domain.
        domain: for errors.
        target: name of the drive.
        medium: path of a raw image; "" leaves the drive empty.

    Raises:
        DriveNotFound: there is no such drive.
    """
    disk = _disk(parse(text, domain), domain, target)
    _fill(disk, medium)
    return serialise(disk)


def drive_text(text: str, domain: str, target: str) -> str:
    """The XML of a drive as it is.

    Raises:
        DriveNotFound: there is no such drive.
    """
    return serialise(_disk(parse(text, domain), domain, target))


def for_one_run(text: str, domain: str, once: RunOnce) -> str:
    """The XML of a run that differs from its domain's definition.

    Raises:
        DriveNotFound, DriveNotRemovable: a medium cannot be put where it shall be.
        TargetTaken: there is no room for another drive.
    """
    root = parse(text, domain)
    devices = root.find("devices")
    devices = make("devices") if devices is None else devices
    xen = read_platform(root).virtualisation is Virtualisation.XEN
    for target, medium in once.media:
        disk = _disk(root, domain, target)
        drive = read_drive(disk)
        if drive is None or drive.device is Device.DISK:
            raise DriveNotRemovable(domain=domain, target=target, device="disk")
        _fill(disk, medium)
    taken = [each.get("dev", "") for each in devices.iterfind("disk/target")]
    devices.extend(drive_element(each, xen=xen) for each in assign(once.drives, taken, domain))
    if once.boot:
        system = root.find("os")
        for parent in [system, *devices] if system is not None else list(devices):
            for old in parent.findall("boot"):
                parent.remove(old)
        if system is not None:
            system.extend(boot_elements(once.boot))
    return serialise(root)


def _disk(root: Element, domain: str, target: str) -> Element:
    disks = root.findall("devices/disk")
    names = ["" if (found := each.find("target")) is None else found.get("dev", "") for each in disks]
    if target not in names:
        raise DriveNotFound(domain=domain, target=target, present=", ".join(names) or "none")
    return disks[names.index(target)]


def _fill(disk: Element, medium: str) -> None:
    for tag in _OF_THE_MEDIUM:
        for old in disk.findall(tag):
            disk.remove(old)
    disk.set("type", "file")
    driver = disk.find("driver")
    if not medium:
        if driver is not None:
            driver.attrib.pop("type", None)
        return
    if driver is None:
        driver = make("driver")
        disk.insert(0, driver)
    driver.set("type", "raw")
    disk.insert(1, make("source", file=medium))
