"""Drives and channels of the fake's domains."""

from __future__ import annotations

from guestwright.base.record import replace
from guestwright.hypervisor.assignment import SERIAL, assign, lacks_channel, refuse_cold, removable
from guestwright.hypervisor.domain import Bus, Channel, Domain, DomainId, Drive
from guestwright.hypervisor.drivers.fake.world import Entry, World, check_medium, set_view, view_of
from guestwright.hypervisor.errors import (
    DetachUnanswered,
    DriveNotEmpty,
    TrayLocked,
)
from guestwright.hypervisor.events import EventKind
from guestwright.hypervisor.port import DETACH_SECONDS
from guestwright.hypervisor.spec import ChannelSpec, DriveSpec, When, check_path


class FakeDevices:
    """Puts things in and takes them out."""

    _world: World

    def insert(self, domain: DomainId, target: str, medium: str, *, when: When = When.NOW) -> None:
        """See `port.Devices`."""
        check_path("medium", medium)
        with self._world.lock:
            entry = self._world.entry(domain)
            views = self._world.views(entry, when, "insert")
            for view in views:
                present = removable(view_of(entry, defined=view), target).medium
                if present not in {"", medium}:
                    raise DriveNotEmpty(domain=domain, target=target, medium=present)
            _fill(entry, views, target, medium, force=False)

    def change(
        self, domain: DomainId, target: str, medium: str, *, force: bool = False, when: When = When.NOW
    ) -> None:
        """See `port.Devices`."""
        check_path("medium", medium)
        with self._world.lock:
            entry = self._world.entry(domain)
            _fill(entry, self._world.views(entry, when, "change"), target, medium, force=force)

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
        with self._world.lock:
            entry = self._world.entry(domain)
            full = []
            for view in self._world.views(entry, when, "eject"):
                present = removable(view_of(entry, defined=view), target).medium
                if present and only in {None, present}:
                    full.append(view)
            _fill(entry, tuple(full), target, "", force=force)
            return bool(full)

    def attach_drive(self, domain: DomainId, drive: DriveSpec, *, when: When = When.NOW) -> Drive:
        """See `port.Devices`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            views = self._world.views(entry, when, "attach")
            refuse_cold(domain, drive.bus, "attaching", running=False in views)
            taken = {each.target for view in views for each in view_of(entry, defined=view).drives}
            (made,) = assign([drive], taken, domain)
            if made.medium and False in views:
                check_medium(made.medium)
            for view in views:
                one = view_of(entry, defined=view)
                more = {"scsi:virtio-scsi"} if made.bus is Bus.SCSI else set()
                changed = replace(one, drives=(*one.drives, made), controllers=one.controllers | more)
                set_view(entry, changed, defined=view)
            return made

    def detach_drive(
        self,
        domain: DomainId,
        target: str,
        *,
        when: When = When.NOW,
        seconds: float = DETACH_SECONDS,
    ) -> None:
        """See `port.Devices`. A guest that does not let go is not waited for."""
        with self._world.lock:
            entry = self._world.entry(domain)
            for view in self._world.views(entry, when, "detach"):
                one = view_of(entry, defined=view)
                found = next((each for each in one.drives if each.target == target), None)
                if found is None:
                    continue
                refuse_cold(domain, found.bus, "detaching", running=not view)
                if not view and not entry.guest.releases:
                    raise DetachUnanswered(domain=domain, target=target, seconds=seconds)
                rest = tuple(each for each in one.drives if each.target != target)
                set_view(entry, replace(one, drives=rest), defined=view)
                if not view:
                    self._world.put(EventKind.DETACHED, one, detail=target)

    def attach_channel(self, domain: DomainId, channel: ChannelSpec, *, when: When = When.NOW) -> None:
        """See `port.Devices`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            missing = []
            for view in self._world.views(entry, when, "attach channel"):
                one = view_of(entry, defined=view)
                if lacks_channel(one, channel, running=not view):
                    missing.append(view)
            for view in missing:
                one = view_of(entry, defined=view)
                made = Channel(name=channel.name, path=channel.path)
                if not view:
                    entry.guest.plug(made)
                controllers = one.controllers | {SERIAL}
                changed = replace(one, channels=(*one.channels, made), controllers=controllers)
                set_view(entry, changed, defined=view)


def _fill(entry: Entry, views: tuple[bool, ...], target: str, medium: str, *, force: bool) -> None:
    for view in views:
        drive = removable(view_of(entry, defined=view), target)
        if not view and drive.medium != medium:
            if target in entry.guest.locked and drive.medium and not force:
                raise TrayLocked(domain=view_of(entry, defined=view).uuid, target=target)
            if medium:
                check_medium(medium)
    for view in views:
        set_view(entry, _with_medium(view_of(entry, defined=view), target, medium), defined=view)
        if not view:
            entry.guest.locked.discard(target)


def _with_medium(domain: Domain, target: str, medium: str) -> Domain:
    drives = (
        replace(each, medium=medium, format="raw" if medium else "") if each.target == target else each
        for each in domain.drives
    )
    return replace(domain, drives=tuple(drives))
