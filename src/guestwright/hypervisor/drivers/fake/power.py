"""Runs and memory of the fake's domains."""

from __future__ import annotations

import threading
from typing import Final

from guestwright.base.record import replace
from guestwright.hypervisor.assignment import assign, removable
from guestwright.hypervisor.domain import Domain, DomainId, Memory, State
from guestwright.hypervisor.drivers.fake.world import Entry, World, check_media, wrong_state
from guestwright.hypervisor.errors import MigrationCancelled, MigrationRefused, NoBalloon
from guestwright.hypervisor.events import EventKind, Reason
from guestwright.hypervisor.spec import Migration, RunOnce, check_memory

_LOOK: Final = 0.01  # seconds between two looks at a guest that is busy


class FakePower:
    """Starts and ends runs."""

    _world: World

    def start(self, domain: DomainId, once: RunOnce | None = None) -> Domain:
        """See `port.Power`."""
        world = self._world
        with world.lock:
            entry = world.entry(domain)
            now = world.now(entry)
            if now.active or (once is not None and entry.saved is not None):
                raise wrong_state(now, "start", "off")
            reason = Reason.RESTORED if entry.saved else Reason.BOOTED
            paused = once is not None and once.paused
            begun = entry.saved or (now if once is None else _for_one_run(now, once))
            check_media(begun)
            world.runs += 1
            live = replace(begun, run=world.runs, state=State.PAUSED if paused else State.RUNNING)
            for each in live.channels:
                entry.guest.plug(each)
            entry.live, entry.saved = live, None
            world.put(EventKind.STARTED, live, reason)
            return world.now(entry)

    def shut_down(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            self._world.running(entry, "shut down")
            if entry.guest.obeys:
                self._world.end(entry, Reason.GUEST)

    def reboot(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            live = self._world.running(entry, "reboot")
            if entry.guest.obeys:
                self._world.put(EventKind.REBOOTED, live)

    def stop(self, domain: DomainId) -> None:
        """See `port.Power`."""
        self.end(domain, Reason.DESTROYED)

    def end(self, domain: DomainId, reason: Reason) -> None:
        """End a run, if there is one, for a reason of the test's choice."""
        with self._world.lock:
            entry = self._world.entry(domain)
            if entry.live is not None:
                self._world.end(entry, reason)

    def pause(self, domain: DomainId) -> None:
        """See `port.Power`."""
        self._set(domain, "pause", State.PAUSED, EventKind.PAUSED)

    def unpause(self, domain: DomainId) -> None:
        """See `port.Power`."""
        self._set(domain, "unpause", State.RUNNING, EventKind.UNPAUSED)

    def suspend(self, domain: DomainId) -> None:
        """See `port.Power`."""
        with self._world.lock:
            entry = self._world.entry(domain)
            live = self._world.running(entry, "suspend")
            if entry.definition is None:
                raise wrong_state(live, "suspend", "defined")
            entry.saved = live
            self._world.end(entry, Reason.SAVED)

    def migrate(self, domain: DomainId, how: Migration) -> None:
        """See `port.Power`."""
        world = self._world
        with world.lock:
            entry = world.entry(domain)
            live = world.running(entry, "migrate")
            there = world.neighbours.get(how.destination)
            if there is None or there is world or there.closed or domain in there.entries:
                detail = "nobody is there, or it is there already"
                raise MigrationRefused(domain=domain, destination=how.destination, detail=detail)
            called_off = entry.moving = threading.Event()
        while entry.guest.busy and entry.live is not None and not called_off.wait(_LOOK):
            pass
        with world.lock:
            entry.moving = None
            if called_off.is_set():
                raise MigrationCancelled(domain=domain, destination=how.destination)
            live = world.running(entry, "migrate")
            world.end(entry, Reason.MIGRATED)
            world.entries.pop(domain, None)
            if entry.definition is not None:
                world.put(EventKind.UNDEFINED, live)
        with there.lock:
            there.runs += 1
            moved = replace(live, run=there.runs)
            there.entries[domain] = Entry(definition=entry.definition, live=moved, guest=entry.guest)
            for each in moved.channels:
                entry.guest.plug(each)
            there.put(EventKind.STARTED, moved, Reason.MIGRATED)

    def cancel_migration(self, domain: DomainId) -> bool:
        """See `port.Power`."""
        with self._world.lock:
            found = self._world.entries.get(domain)
            moving = None if found is None else found.moving
            if moving is not None:
                moving.set()
            return moving is not None

    def free_memory(self) -> int:
        """See `port.MemoryControl`."""
        with self._world.lock:
            live = (one.live for one in self._world.entries.values())
            return self._world.memory - sum(one.memory_actual for one in live if one is not None)

    def memory(self, domain: DomainId) -> Memory:
        """See `port.MemoryControl`."""
        with self._world.lock:
            now = self._world.now(self._world.entry(domain))
            resident = now.memory_actual if now.active else None
            return Memory(maximum=now.memory_maximum, actual=now.memory_actual, resident=resident)

    def set_memory_target(self, domain: DomainId, amount: int) -> None:
        """See `port.MemoryControl`. A guest that balloons is there at once."""
        with self._world.lock:
            entry = self._world.entry(domain)
            live = self._world.running(entry, "memory target")
            check_memory(amount, live.memory_maximum)
            if not live.balloon:
                raise NoBalloon(domain=domain)
            if entry.guest.balloons:
                entry.live = replace(live, memory_actual=max(amount, entry.guest.floor))
                self._world.put(EventKind.MEMORY, entry.live, detail=str(entry.live.memory_actual))

    def _set(self, domain: DomainId, action: str, state: State, kind: EventKind) -> None:
        with self._world.lock:
            entry = self._world.entry(domain)
            live = self._world.running(entry, action)
            if live.state is not state:
                entry.live = replace(live, state=state)
                self._world.put(kind, live, Reason.ASKED)


def _for_one_run(domain: Domain, once: RunOnce) -> Domain:
    media = dict(once.media)
    for target in media:
        removable(domain, target)
    drives = tuple(
        replace(each, medium=media[each.target], format="raw" if media[each.target] else "")
        if each.target in media
        else each
        for each in domain.drives
    )
    more = assign(once.drives, (each.target for each in drives), domain.uuid)
    return replace(domain, drives=(*drives, *more))
