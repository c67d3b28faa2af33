"""Payloads of domains: defined by people, shown by the service, gone when nobody needs them.

Theory of operation: a payload's contents lie encrypted in the state directory (`vault`), and as an image in
memory only while a run of the domain has it (`shelf`). The definition of the domain holds at most an empty
drive; the medium goes into each run, so contents and even the image's path are in no definition. Who starts
domains starts them with `start`; a domain that somebody else started gets its payload as soon as `happened`
hears of that. A run-once payload is shown in place of a permanent one of the same kind.

What the hypervisor tells goes to `happened`, what the guest says to `observe`. A service that starts calls
`recover` before either. Everything may be called from any thread; calls for one domain take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import replace
from guestwright.host.media.drives import for_start
from guestwright.host.media.errors import PayloadInUse, PayloadNotPlaced
from guestwright.host.media.model import Entry, Persistence, Place, Scrub, State, default_scrub, kind_of
from guestwright.host.media.register import Register, Told
from guestwright.host.media.shelf import Shelf, new_name
from guestwright.host.media.showing import Showing, spec_of
from guestwright.host.media.states import Happened, after
from guestwright.host.media.vault import Vault
from guestwright.hypervisor.domain import Device, Domain, DomainId
from guestwright.hypervisor.domain import State as Run
from guestwright.hypervisor.errors import DomainNotFound, DriveNotFound, TrayLocked, WrongDomainState
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import RunOnce, When
from guestwright.media.sources.model import Payload


class Payloads:
    """Payload media of one host.

    Args:
        hypervisor: whose domains.
        vault: for what is kept.
        shelf: for images.
        clock: seconds since 1970.
        randomness: of so many bytes, cryptographic.
        told: is called with each payload that has changed; must be quick and not raise.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        vault: Vault,
        shelf: Shelf,
        *,
        clock: Callable[[], float],
        randomness: Callable[[int], bytes],
        told: Told = lambda _: None,
    ) -> None:
        self.hypervisor = hypervisor
        self.shelf = shelf
        self.clock = clock
        self.register = Register(vault, told)
        self.showing = Showing(hypervisor, shelf, self.register)
        self._randomness = randomness

    def all(self) -> tuple[Entry, ...]:
        """Every payload of the host, without contents."""
        return self.register.all()

    def of(self, domain: DomainId) -> tuple[Entry, ...]:
        """Those of one domain, without contents."""
        return self.register.of(domain)

    def contents(self, domain: DomainId, persistence: Persistence) -> Payload:
        """What is on a medium, for those who may read it.

        Raises:
            PayloadNotFound, PayloadGone, PayloadUnreadable: see there.
        """
        return self.register.contents(self.register.get(domain, persistence))

    def define(
        self,
        domain: DomainId,
        payload: Payload,
        persistence: Persistence,
        *,
        wanted: Device = Device.CD,
        scrub: Scrub | None = None,
    ) -> Entry:
        """Give a domain a payload, in place of one that it has; it is shown from the next start on.

        A permanent one gets a drive of its own in the domain's definition, if its bus has removable media.

        Args:
            domain: whose.
            payload: checked by its source; secret.
            persistence: for every run, or the next one.
            wanted: CD or floppy.
            scrub: when its secrets go; None decides by who reads it.

        Raises:
            DomainNotFound: there is no such domain.
            PayloadInUse: its former one is in a drive; take it out first.
            NoPlacement: no drive can be had for it.
            MediaError, PayloadContentsTooBig: it cannot be written.
        """
        with self.register.turn(domain):
            defined = self.hypervisor.defined(domain)
            former = self.register.find(domain, persistence)
            if former is not None and former.inside:
                raise _in_use(former)
            keeps = former if former is not None and former.wanted is wanted else None
            entry = Entry(
                domain=domain,
                persistence=persistence,
                wanted=wanted,
                form=payload.form,
                label=payload.label,
                scrub=default_scrub(payload.form) if scrub is None else scrub,
                image=new_name(),
                made=int(self.clock()),
                serial=int.from_bytes(self._randomness(4), "big"),
                place=keeps.place if keeps is not None else None,
                own_drive=keeps is not None and keeps.own_drive,
            )
            return self._keep(entry, former, payload, defined)

    def remove(self, domain: DomainId, persistence: Persistence, *, force: bool = False) -> None:
        """Forget a payload: out of the run, out of the definition, destroyed.

        Args:
            domain: whose.
            persistence: which.
            force: even though the guest keeps the drive locked.

        Raises:
            PayloadNotFound: there is none.
            TrayLocked: the guest keeps it.
        """
        with self.register.turn(domain):
            entry = self.register.get(domain, persistence)
            if entry.inside:
                entry = self.showing.out_of_run(entry, force=force)
            self._drop_drive(entry)
            self.showing.forget(entry)

    def start(self, domain: DomainId, once: RunOnce | None = None) -> Domain:
        """Start a domain with its payloads in their drives; a suspended one with those that it had.

        Args:
            domain: that does not run.
            once: what else is different this time; see `Power.start`.

        Raises:
            What `Power.start` raises, and MediaError; then no image stays.
        """
        with self.register.turn(domain):
            if self.hypervisor.get(domain).state is Run.SUSPENDED:
                return self.hypervisor.start(domain, once)
            shown, changed = self._prepare(domain, once)
            try:
                running = self.hypervisor.start(domain, changed)
            except BaseException:
                for entry in shown:
                    self.shelf.destroy(entry.image)
                raise
            for entry in shown:
                self.register.save(after(replace(entry, from_start=True), Happened.INSERTED))
            return running

    def show(self, domain: DomainId, persistence: Persistence) -> Entry:
        """Show a payload to the run that is under way.

        Raises:
            PayloadNotFound, PayloadGone, PayloadNotPlaced: see there.
        """
        with self.register.turn(domain):
            entry = self.register.get(domain, persistence)
            running = self.hypervisor.get(domain)
            if entry.inside:
                return entry
            if not running.active:
                raise PayloadNotPlaced(domain=domain, persistence=persistence, problem="it does not run")
            return self.showing.into_run(entry, running)

    def change_cd(
        self, domain: DomainId, persistence: Persistence, medium: str = "", *, force: bool = False
    ) -> Entry:
        """Put another medium, or none, into the payload's drive; the payload's image is destroyed.

        Args:
            domain: that runs.
            persistence: whose drive.
            medium: path of a raw image; "" leaves the drive empty.
            force: even though the guest keeps the drive locked.

        Raises:
            PayloadNotFound: there is none. PayloadNotPlaced: it has no drive, or a disk in its place.
            MediumNotFound, TrayLocked: see there.
        """
        with self.register.turn(domain):
            entry = self.register.get(domain, persistence)
            place = entry.place
            if place is None or (place.device is Device.DISK and medium):
                problem = "it has no drive yet" if place is None else "a disk's medium cannot be changed"
                raise PayloadNotPlaced(domain=domain, persistence=persistence, problem=problem)
            if entry.inside:
                return self.showing.out_of_run(entry, medium=medium, force=force)
            if medium:
                self.hypervisor.change(domain, place.target, medium, force=force)
            else:
                self.hypervisor.eject(domain, place.target, force=force)
            return entry

    def consumed(self, domain: DomainId, persistence: Persistence) -> Entry:
        """The guest has what it needs: the secrets go, the scrubbed twin comes in their place.

        Raises:
            PayloadNotFound: there is none. Other errors: it is still there, and `Entry.reason` says why.
        """
        with self.register.turn(domain):
            entry = self.register.get(domain, persistence)
            entry = self.register.save(after(entry, Happened.CONSUMED))
            if entry.state is State.CONSUMED and entry.scrub is not Scrub.NEVER:
                return self.showing.scrub(entry)
            return entry

    def lend(self, domain: DomainId) -> str:
        """Take a permanent or scrubbed payload out of its CD drive, as somebody needs the drive for a while.

        Returns:
            The drive's target; "" when there is none to spare, or the guest keeps it locked.
        """
        with self.register.turn(domain):
            for entry in self.register.of(domain):
                spare = entry.state is State.SCRUBBED or _permanent(entry)
                if entry.inside and spare and entry.place is not None and entry.place.device is Device.CD:
                    with suppress(TrayLocked):
                        self.showing.out_of_run(entry)
                        return entry.place.target
        return ""

    def give_back(self, domain: DomainId) -> None:
        """The drive that `lend` emptied is free again: a permanent payload comes back.

        Raises:
            PayloadNotPlaced, HypervisorError, MediaError: it cannot be shown.
        """
        with self.register.turn(domain):
            entry = self.register.find(domain, Persistence.PERMANENT)
            running = self.hypervisor.get(domain)
            if entry is not None and not entry.inside and entry.contents and running.active:
                self.showing.into_run(entry, running)

    def _prepare(self, domain: DomainId, once: RunOnce | None) -> tuple[list[Entry], RunOnce | None]:
        """Make the images, and say what the run gets."""
        for entry in self.register.of(domain):
            if entry.inside:  # nobody has told yet that the former run is over
                self.showing.gone(entry, Happened.RUN_OVER)
        entries = chosen(self.register.of(domain))
        if not entries:
            return [], once
        once = once or RunOnce()
        defined = self.hypervisor.defined(domain)
        shown: list[Entry] = []
        media, drives = list(once.media), list(once.drives)
        try:
            for one in entries:
                place = for_start(defined, one.wanted, kept=one.place)
                entry = replace(one, place=place.place)
                shown.append(entry)
                path = self.showing.image(entry, place.place)
                if place.plug:
                    drives.append(spec_of(place.place, path))
                else:
                    media.append((place.place.target, path))
        except BaseException:
            for entry in shown:
                self.shelf.destroy(entry.image)
            raise
        return shown, replace(once, media=tuple(media), drives=tuple(drives))

    def _keep(self, entry: Entry, former: Entry | None, payload: Payload, defined: Domain) -> Entry:
        """Take a new payload in, in place of the former one."""
        self._try(entry, payload, defined)
        if former is not None and former.wanted is not entry.wanted:
            self._drop_drive(former)
        if _permanent(entry):
            entry = self._with_drive(entry, defined)
        entry = self.register.with_contents(entry, payload)
        self.register.save(entry)
        self.register.forget_contents(former.contents if former is not None else "")
        return entry

    def _try(self, entry: Entry, payload: Payload, defined: Domain) -> None:
        """Refuse now what could not be written, or placed, later."""
        place = for_start(defined, entry.wanted, kept=entry.place).place
        self.shelf.make(
            entry.image, kind_of(entry.wanted, place), payload, time=entry.made, serial=entry.serial
        )
        self.shelf.destroy(entry.image)

    def _with_drive(self, entry: Entry, defined: Domain) -> Entry:
        """Give the definition an empty drive for it."""
        found = for_start(defined, entry.wanted, kept=entry.place)
        place: Place = found.place
        if place.device is Device.DISK or not found.plug:
            return replace(entry, place=place)
        drive = self.hypervisor.attach_drive(entry.domain, spec_of(place, ""), when=When.NEXT_START)
        return replace(entry, place=replace(place, target=drive.target), own_drive=True)

    def _drop_drive(self, entry: Entry) -> None:
        if entry.own_drive and entry.place is not None:
            try:
                self.hypervisor.detach_drive(entry.domain, entry.place.target, when=When.NEXT_START)
            except (DomainNotFound, DriveNotFound, WrongDomainState):
                return


def chosen(entries: tuple[Entry, ...]) -> list[Entry]:
    """Which payloads a run gets: run-once ones before permanent ones, one of a kind."""
    found: dict[Device, Entry] = {}
    for one in sorted(entries, key=lambda each: each.persistence is Persistence.PERMANENT):
        if one.contents and one.wanted not in found and (_permanent(one) or one.state is State.DEFINED):
            found[one.wanted] = one
    return list(found.values())


def _permanent(entry: Entry) -> bool:
    return entry.persistence is Persistence.PERMANENT


def _in_use(entry: Entry) -> GuestwrightError:
    target = entry.place.target if entry.place is not None else ""
    return PayloadInUse(domain=entry.domain, persistence=entry.persistence, target=target)
