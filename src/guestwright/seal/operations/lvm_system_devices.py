"""LVM's list of the disks that it may use.

Entries name disks by serial number or WWID, which a clone's disks do not share; with such a list LVM on
Enterprise Linux 9 finds no volume group at boot (RHBZ#2072493, oVirt/ovirt-engine#856). The choices:

  - emptying the file means "no devices" and never boots;
  - rewriting the entries to device names would hold only while the clone has the same bus and the physical
    volumes keep their ids, which `lvm-uuids` changes;
  - without the file LVM uses all devices, even where lvm.conf says use_devicesfile=1 (lvm2,
    lib/device/dev-cache.c, setup_devices: "Devices file not found, ignoring").

So the file is removed, as virt-sysprep does. Where the guest's LVM has lvm-devices-import.service and the
root filesystem is on LVM, /etc/lvm/devices/auto-import-rootvg is created: the first boot then writes a new
list with the clone's own disks (vgimportdevices(8), --rootvg --auto; lvm2, tools/vgchange.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Remove, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation

DEVICES: Final = "/etc/lvm/devices/system.devices"
MARK: Final = "/etc/lvm/devices/auto-import-rootvg"
_IMPORTER: Final = "/usr/lib/systemd/system/lvm-devices-import.service"


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Remove the list; have the guest make a new one where it can."""
    del options
    found = {entry.path for entry in guest.fs.glob([DEVICES, MARK, _IMPORTER])}
    if DEVICES not in found:
        return
    yield Remove(path=DEVICES, reason="names the old machine's disks; a clone would find no volumes at boot")
    if guest.root.startswith("lvm:") and _IMPORTER in found and MARK not in found:
        yield Write(path=MARK, data=b"", reason="the first boot lists the clone's own disks")


OPERATION: Final = Operation(
    name="lvm-system-devices",
    summary="Remove LVM's list of disks, so that clones find their own",
    severity=Severity.ERROR,
    applies=conditions.linux,
    plan=plan,
    parity=True,
    source="virt-sysprep(1), lvm-system-devices; lvmdevices(8); RHBZ#2072493",
)
