"""Words of the format: namespaces, numbers of resources and operating systems, URIs of formats. Pure.

Numbers are those of DMTF's CIM schema: `CIM_ResourceAllocationSettingData.ResourceType` and
`CIM_OperatingSystem.OSType`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guestwright.ovf.model import Format

OVF: Final = "http://schemas.dmtf.org/ovf/envelope/1"
_CIM: Final = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"
RASD: Final = f"{_CIM}/CIM_ResourceAllocationSettingData"
VSSD: Final = f"{_CIM}/CIM_VirtualSystemSettingData"
VMW: Final = "http://www.vmware.com/schema/ovf"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
OURS: Final = "urn:x-guestwright:ovf:1"

PROCESSOR: Final = 3
MEMORY: Final = 4
IDE: Final = 5
SCSI: Final = 6
ETHERNET: Final = 10
FLOPPY: Final = 14
CD: Final = 15
DVD: Final = 16
DISK: Final = 17
OTHER_STORAGE: Final = 20
BUSES: Final[Mapping[int, str]] = {IDE: "ide", SCSI: "scsi", OTHER_STORAGE: "sata"}

URIS: Final[Mapping[Format, str]] = {
    # There is no registry of such URIs. These two are what virt-v2v writes, and for qcow2 oVirt, too.
    Format.RAW: "http://en.wikipedia.org/wiki/Byte",
    Format.QCOW2: "http://www.gnome.org/~markmc/qcow-image-format.html",
}
_SIGNS: Final = (
    ("qcow", Format.QCOW2),
    ("vmdk", Format.VMDK),
    ("linkid=137171", Format.VHD),  # VirtualBox's word for it
    ("vhd", Format.VHD),
    ("vdi", Format.VDI),
)
_VOLUME_FORMATS: Final = {"raw": Format.RAW, "cow": Format.QCOW2}

OS_IDS: Final[Mapping[str, int]] = {"linux": 101, "freebsd": 78, "windows": 1, "": 1}
"""Written: Linux 64-Bit, FreeBSD 64-Bit. For Windows as such there is no number: 1 is "other"."""
_LINUX: Final = frozenset((36, *range(79, 81), *range(82, 102), *range(106, 110)))
_FREEBSD: Final = frozenset((42, 78))
_WINDOWS: Final = frozenset((*range(15, 19), 58, 63, 67, *range(69, 75), 76, 77, 103, 105, *range(111, 117)))


def format_of(uri: str, volume_format: str = "") -> Format:
    """The format that a URI stands for.

    Args:
        uri: of `Disk/@format`.
        volume_format: oVirt's own attribute, which holds where the URI does not: raw disks have VMDK's there.
    """
    if volume_format:
        return _VOLUME_FORMATS.get(volume_format.lower(), Format.OTHER)
    if uri == URIS[Format.RAW]:
        return Format.RAW
    lower = uri.lower()
    return next((found for sign, found in _SIGNS if sign in lower), Format.OTHER)


def family_of(number: int, text: str) -> str:
    """The family of an operating system.

    Args:
        number: of it.
        text: what stands beside the number: "debian_9", "Windows11_64", "ubuntu64Guest".
    """
    for family, numbers in (("linux", _LINUX), ("freebsd", _FREEBSD), ("windows", _WINDOWS)):
        if number in numbers:
            return family
    lower = text.lower()
    if "windows" in lower:
        return "windows"
    if "freebsd" in lower:
        return "freebsd"
    known = ("linux", "debian", "ubuntu", "rhel", "centos", "fedora", "suse", "sles")
    return "linux" if any(word in lower for word in known) else ""
