"""A CD drive whose tray libvirt believes open although it is shut, and the way out.

Theory of operation: to change a medium libvirt opens the tray, takes the old one out, puts the new one in.
When firmware or a driver resets the drive in between, QEMU shuts the tray and, it seems, tells nobody. From
then on libvirt 9.0 with QEMU 7.2 skips the opening at every attempt, and each fails with "Tray … is not open"
(seen for seconds on end, with domains that were just starting). So we tell QEMU to open the tray, on its
monitor; libvirt hears of that and goes on from there. libvirt notes that the domain was touched by other
means ("custom-monitor"); it does nothing about it.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from guestwright.hypervisor.drivers.libvirt.document import attribute, parse
from guestwright.hypervisor.drivers.libvirt.editing import drive_text


def open_tray(handle: Any, domain: str, target: str, *, force: bool) -> None:
    """Have QEMU open the tray of a drive; whether it did, the next change of the medium shows.

    Args:
        handle: of the domain, which runs.
        domain: its uuid, for errors.
        target: name of the drive.
        force: even though the guest keeps it locked.

    Raises:
        libvirt.libvirtError: the monitor does not answer.
    """
    alias = attribute(parse(drive_text(handle.XMLDesc(0), domain, target), domain), "alias", "name")
    command = {"execute": "blockdev-open-tray", "arguments": {"id": alias, "force": force}}
    import_module("libvirt_qemu").qemuMonitorCommand(handle, json.dumps(command), 0)
