"""Drives and channels of domains, through libvirt."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

from guestwright.base.undo import UndoStack
from guestwright.hypervisor.assignment import SERIAL, assign, lacks_channel, refuse_cold, removable
from guestwright.hypervisor.domain import Bus, Domain, DomainId, Drive, Virtualisation
from guestwright.hypervisor.drivers.libvirt.document import Element, serialise
from guestwright.hypervisor.drivers.libvirt.editing import drive_text, with_medium
from guestwright.hypervisor.drivers.libvirt.failures import tray_closed, tray_locked, tray_moved
from guestwright.hypervisor.drivers.libvirt.linked import INACTIVE, SECURE, Linked
from guestwright.hypervisor.drivers.libvirt.tray import open_tray
from guestwright.hypervisor.drivers.libvirt.writing import (
    channel_element,
    drive_element,
    scsi_controller,
    serial_controller,
)
from guestwright.hypervisor.errors import (
    DetachUnanswered,
    DriveNotEmpty,
    HypervisorCannot,
    HypervisorRefused,
)
from guestwright.hypervisor.port import DETACH_SECONDS
from guestwright.hypervisor.spec import ChannelSpec, DriveSpec, When, check_path

_LIVE, _CONFIG, _FORCE = 1, 2, 4  # VIR_DOMAIN_AFFECT_LIVE and _CONFIG, VIR_DOMAIN_DEVICE_MODIFY_FORCE
_POLL: Final = 0.1  # seconds
_TRAY_ATTEMPTS: Final = 20


class LibvirtDevices(Linked):
    """Puts things in and takes them out."""

    def insert(self, domain: DomainId, target: str, medium: str, *, when: When = When.NOW) -> None:
        """See `port.Devices`."""
        check_path("medium", medium)
        with self._changing(domain, "insert") as handle:
            views = self._views(handle, when, "insert")
            for view in views:
                present = removable(self._read(handle, defined=view), target).medium
                if present not in {"", medium}:
                    raise DriveNotEmpty(domain=domain, target=target, medium=present)
            self._fill(handle, views, domain, target, medium)

    def change(
        self, domain: DomainId, target: str, medium: str, *, force: bool = False, when: When = When.NOW
    ) -> None:
        """See `port.Devices`."""
        check_path("medium", medium)
        with self._changing(domain, "change") as handle:
            self._fill(handle, self._views(handle, when, "change"), domain, target, medium, force=force)

    def eject(
        self,
        domain: DomainId,
        target: str,
        *,
        only: str | None = None,
        force: bool = False,
        when: When = When.NOW,
    ) -> bool:
        """See `port.Devices`."""
        with self._changing(domain, "eject") as handle:
            full = []
            for view in self._views(handle, when, "eject"):
                present = removable(self._read(handle, defined=view), target).medium
                if present and only in {None, present}:
                    full.append(view)
            self._fill(handle, tuple(full), domain, target, "", force=force)
            return bool(full)

    def attach_drive(self, domain: DomainId, drive: DriveSpec, *, when: When = When.NOW) -> Drive:
        """See `port.Devices`."""
        with self._changing(domain, "attach") as handle:
            views = self._views(handle, when, "attach")
            refuse_cold(domain, drive.bus, "attaching", running=False in views)
            domains = [self._read(handle, defined=view) for view in views]
            taken = {each.target for one in domains for each in one.drives}
            (made,) = assign([drive], taken, domain)
            xen = domains[0].platform.virtualisation is Virtualisation.XEN
            with UndoStack() as undo:
                for view, one in zip(views, domains, strict=True):
                    if made.bus is Bus.SCSI and not _has(one, "scsi:"):
                        self._attach(handle, scsi_controller(), view, undo)
                    self._attach(handle, drive_element(made, xen=xen), view, undo)
                undo.success()
            return made

    def detach_drive(
        self,
        domain: DomainId,
        target: str,
        *,
        when: When = When.NOW,
        seconds: float = DETACH_SECONDS,
    ) -> None:
        """See `port.Devices`."""
        with self._changing(domain, "detach") as handle:
            for view in self._views(handle, when, "detach"):
                if not self._present(handle, target, defined=view):
                    continue
                bus = self._read(handle, defined=view).drive(target).bus
                refuse_cold(domain, bus, "detaching", running=not view)
                text = drive_text(handle.XMLDesc(INACTIVE if view else 0), domain, target)
                handle.detachDeviceFlags(text, _CONFIG if view else _LIVE)
                end = time.monotonic() + seconds
                while self._present(handle, target, defined=view):
                    if time.monotonic() > end:
                        raise DetachUnanswered(domain=domain, target=target, seconds=seconds)
                    time.sleep(_POLL)

    def attach_channel(self, domain: DomainId, channel: ChannelSpec, *, when: When = When.NOW) -> None:
        """See `port.Devices`."""
        with self._changing(domain, "attach channel") as handle, UndoStack() as undo:
            views = self._views(handle, when, "attach channel")
            missing = {}
            for view in views:
                now = self._read(handle, defined=view)
                if lacks_channel(now, channel, running=not view):
                    missing[view] = _has(now, SERIAL)
            for view, ready in missing.items():
                if not ready:
                    self._attach(handle, serial_controller(), view, undo)
                self._attach(handle, channel_element(channel), view, undo)
            undo.success()

    def _attach(self, handle: Any, device: Element, view: bool, undo: UndoStack) -> None:
        if view:
            # libvirt names what it adds, so taking it out again by what we said may not find it.
            undo.add(partial(handle.connect().defineXML, handle.XMLDesc(INACTIVE | SECURE)))
            handle.attachDeviceFlags(serialise(device), _CONFIG)
        else:
            handle.attachDeviceFlags(serialise(device), _LIVE)
            undo.add(partial(handle.detachDeviceFlags, serialise(device), _LIVE))

    def _present(self, handle: Any, target: str, *, defined: bool) -> bool:
        return any(each.target == target for each in self._read(handle, defined=defined).drives)

    def _fill(
        self,
        handle: Any,
        views: tuple[bool, ...],
        domain: DomainId,
        target: str,
        medium: str,
        *,
        force: bool = False,
    ) -> None:
        """Put a medium into a drive of the run and of the definition, or into neither."""
        with UndoStack() as undo:
            for view in views:
                drive = removable(self._read(handle, defined=view), target)
                if drive.medium == medium:
                    continue
                if view:
                    text = handle.XMLDesc(INACTIVE | SECURE)
                    handle.updateDeviceFlags(with_medium(text, domain, target, medium), _CONFIG)
                    undo.add(partial(handle.connect().defineXML, text))
                else:
                    self._fill_now(handle, domain, target, medium, force=force)
            undo.success()

    def _fill_now(self, handle: Any, domain: DomainId, target: str, medium: str, *, force: bool) -> None:
        """Change a drive of a run; again when the guest moved its tray meanwhile, as one that boots does."""
        for left in reversed(range(_TRAY_ATTEMPTS)):
            text = with_medium(handle.XMLDesc(SECURE), domain, target, medium)
            try:
                with self._link.call("change of the medium", domain):
                    handle.updateDeviceFlags(text, _LIVE | (_FORCE if force else 0))
                    return
            except (HypervisorRefused, HypervisorCannot) as error:
                if not left or not tray_moved(error):
                    raise tray_locked(error, domain, target) from error
                time.sleep(_POLL)
                if tray_closed(error):
                    open_tray(handle, domain, target, force=force)


def _has(domain: Domain, controller: str) -> bool:
    return any(each.startswith(controller) for each in domain.controllers)
