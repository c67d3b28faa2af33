"""What payloads do when something happens to their domains, or their guests say something.

Theory of operation: `happened` takes the hypervisor's events, `observe` what stands in the guest's store.
Both are told too often rather than too rarely, so what has no effect is ignored, and what cannot be done is
told by `Entry.reason`: who brings an event can do nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record, replace
from guestwright.host.media.model import Entry, Persistence, Place, Scrub, State
from guestwright.host.media.payloads import Payloads, chosen
from guestwright.host.media.states import Happened, after
from guestwright.host.sysprep.answer import sees
from guestwright.hypervisor.domain import Domain, DomainId
from guestwright.hypervisor.domain import State as Run
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.hypervisor.events import Event, EventKind, Reason
from guestwright.xenstore.client.client import Client

SEEN: Final = "data/guestwright/sysprep/media-seen"
CONSUMED: Final = "data/guestwright/media/consumed"
"""Whoever knows it in the guest writes the labels of media here, with blanks between them."""
BOOT: Final = "data/boot/state"
_TEXT_MAX: Final = 1024


@record
class Said:
    """What a guest says of its media; None for keys that are not there.

    Attributes:
        seen: drives and labels, see `SEEN`.
        consumed: labels, see `CONSUMED`.
        boot: "booting" or "up".
    """

    seen: bytes | None = None
    consumed: bytes | None = None
    boot: bytes | None = None


def said(store: Client, domid: int) -> Said:
    """Read what a guest says of its media.

    Raises:
        XenstoreError: the store does not answer.
    """
    home = f"/local/domain/{domid}"
    seen, consumed, boot = (store.get(f"{home}/{path}") for path in (SEEN, CONSUMED, BOOT))
    return Said(seen=seen, consumed=consumed, boot=boot)


class Following:
    """Keeps payloads in step with their domains.

    Args:
        payloads: of the host.
    """

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
        self._register = payloads.register
        self._showing = payloads.showing

    def happened(self, event: Event) -> None:
        """Something happened to a domain, or events were lost. May take seconds.

        Raises:
            HypervisorUnreachable, PayloadNotKept: nothing can be known, or done.
        """
        if event.kind in (EventKind.FOUND, EventKind.MISSED):
            self._catch_up()
        if event.domain is None or not self._register.of(event.domain):
            return
        with self._register.turn(event.domain):
            if event.kind is EventKind.STARTED:
                self._started(event.domain, event.reason)
            elif event.kind is EventKind.STOPPED:
                self._stopped(event.domain, event.reason)
            elif event.kind is EventKind.REBOOTED:
                self._rebooted(event.domain)
            elif event.kind in (EventKind.TRAY, EventKind.DETACHED):
                self._check_drives(event.domain)
            elif event.kind is EventKind.UNDEFINED and self._now(event.domain) is None:
                self._forget(event.domain)

    def observe(self, domain: DomainId, told: Said) -> None:
        """A guest has said something, or nothing new. May take seconds when it says that it has consumed."""
        with self._register.turn(domain):
            for entry in self._register.of(domain):
                if entry.inside and entry.state not in (State.SCRUBBED, State.FAILED):
                    self._attempt(entry, self._heard, entry, told)

    def recover(self) -> None:
        """Bring everything in step when the service starts, before anything else is done with payloads.

        Raises:
            HypervisorUnreachable, PayloadNotKept: nothing can be known, or done.
        """
        for domain in self._domains():
            self._settle(domain)
        shelf = self._payloads.shelf
        known = {one.image for one in self._register.all() if one.inside or one.incoming}
        for name in shelf.names():
            if name not in known:
                shelf.destroy(name)
        self._showing.take_out_strays({shelf.path(one) for one in known})
        for domain in self._domains():
            self._resume(domain)

    def _catch_up(self) -> None:
        """Events were lost: look what has become of each domain that has a payload."""
        for domain in self._domains():
            self._settle(domain)
            self._resume(domain)

    def _domains(self) -> list[DomainId]:
        return sorted({one.domain for one in self._register.all()})

    def _settle(self, domain: DomainId) -> None:
        """Note what is so."""
        with self._register.turn(domain):
            now = self._now(domain)
            for entry in self._register.of(domain):
                if now is None:
                    if entry.incoming < self._payloads.clock():
                        self._showing.forget(entry)
                elif now.active or now.state is Run.SUSPENDED:
                    self._attempt(entry, self._found, entry, now)
                elif entry.inside:
                    self._showing.gone(entry, Happened.RUN_OVER)

    def _resume(self, domain: DomainId) -> None:
        """Do what is to be done."""
        with self._register.turn(domain):
            self._started(domain, Reason.NONE)
            self._scrub(domain)

    def _heard(self, entry: Entry, told: Said) -> None:
        if sees(told.seen, entry.label):
            entry = self._register.save(after(entry, Happened.SEEN))
        words = (told.consumed or b"")[:_TEXT_MAX].decode("utf-8", "replace").upper().split()
        consumed = entry.label.upper() in words if entry.label else False
        booted = entry.scrub is Scrub.UP and entry.from_start and told.boot == b"up"
        if consumed or booted or entry.state is State.CONSUMED:
            self._payloads.consumed(entry.domain, entry.persistence)

    def _found(self, entry: Entry, domain: Domain) -> None:
        """A domain runs, or is suspended, when the service starts."""
        path = self._showing.path(entry)
        drive = next((one for one in domain.drives if one.medium == path), None)
        if not entry.inside:
            if drive is not None and entry.contents:  # it was started, and that was not noted any more
                place = Place(device=drive.device, bus=drive.bus, target=drive.target)
                shown = replace(entry, place=entry.place or place, from_start=True)
                self._register.save(after(shown, Happened.INSERTED))
        elif domain.active and drive is None:
            self._showing.replaced(entry, domain)
        elif entry.place is not None and not self._payloads.shelf.has(entry.image) and entry.contents:
            self._showing.image(
                entry, entry.place
            )  # the host was started anew; a resumed domain looks for it

    def _started(self, domain: DomainId, reason: Reason) -> None:
        entries = self._register.of(domain)
        if reason is Reason.MIGRATED:
            for entry in entries:
                self._register.save(replace(entry, incoming=0.0))
            return
        self._check_drives(domain)
        entries = self._register.of(domain)
        if any(one.inside for one in entries) or not entries:
            return  # by `Payloads.start`, or it is resumed
        running = self._now(domain)
        if running is None or not running.active:
            return
        for entry in chosen(entries):
            self._attempt(entry, self._showing.into_run, entry, running)

    def _stopped(self, domain: DomainId, reason: Reason) -> None:
        now = self._now(domain)
        if reason is Reason.MIGRATED:
            self._forget(domain)
        elif now is not None and now.active:
            return  # it runs again already: an event of before
        elif now is None or (reason is not Reason.SAVED and now.state is not Run.SUSPENDED):
            for entry in self._register.of(domain):
                if entry.inside:
                    self._attempt(entry, self._showing.gone, entry, Happened.RUN_OVER)
            self._scrub(domain)
            if now is None:
                self._forget(domain)

    def _scrub(self, domain: DomainId) -> None:
        """Finish what was begun: secrets of a consumed payload go."""
        for entry in self._register.of(domain):
            if entry.state is State.CONSUMED:
                self._attempt(entry, self._payloads.consumed, domain, entry.persistence)

    def _rebooted(self, domain: DomainId) -> None:
        """A permanent payload is there at every boot, whoever took it out before."""
        self._check_drives(domain)
        running = self._now(domain)
        for entry in self._register.of(domain):
            if entry.inside:
                self._register.save(after(entry, Happened.REBOOTED))
            elif entry.persistence is Persistence.PERMANENT and running is not None and running.active:
                self._attempt(entry, self._showing.into_run, entry, running)

    def _check_drives(self, domain: DomainId) -> None:
        """What somebody has taken out is destroyed."""
        now = self._now(domain)
        if now is None or not now.active:
            return
        media = {one.medium for one in now.drives}
        for entry in self._register.of(domain):
            if entry.inside and self._showing.path(entry) not in media:
                self._attempt(entry, self._showing.gone, entry, Happened.TAKEN_OUT)

    def _forget(self, domain: DomainId) -> None:
        for entry in self._register.of(domain):
            self._attempt(entry, self._showing.forget, entry)

    def _now(self, domain: DomainId) -> Domain | None:
        try:
            return self._payloads.hypervisor.get(domain)
        except DomainNotFound:
            return None

    def _attempt(self, entry: Entry, work: Callable[..., object], *values: object) -> None:
        """Do it; what keeps it from being done is told by the entry."""
        try:
            work(*values)
        except GuestwrightError as error:
            now = self._register.find(entry.domain, entry.persistence)
            if now is not None and now.reason == entry.reason:  # else it says more already
                failed = State.FAILED if now.state is State.DEFINED else now.state
                self._register.save(replace(now, state=failed, reason=error.message))
