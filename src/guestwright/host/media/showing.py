"""Payloads go into drives and come out of them.

Every function here is called in the domain's turn, and leaves the register saying what is so.
"""

from __future__ import annotations

import os
from contextlib import suppress

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import replace
from guestwright.host.media.drives import choose
from guestwright.host.media.errors import PayloadNotPlaced
from guestwright.host.media.model import Entry, Persistence, Place, State, kind_of
from guestwright.host.media.register import Register
from guestwright.host.media.shelf import Shelf, new_name
from guestwright.host.media.states import Happened, after
from guestwright.hypervisor.domain import Device, Domain
from guestwright.hypervisor.errors import DomainNotFound, DriveNotFound, WrongDomainState
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import DriveSpec, When
from guestwright.media.payload import scrub


class Showing:
    """What is in drives.

    Args:
        hypervisor: whose drives.
        shelf: of images.
        register: of payloads.
    """

    def __init__(self, hypervisor: Hypervisor, shelf: Shelf, register: Register) -> None:
        self._hypervisor = hypervisor
        self._shelf = shelf
        self._register = register

    def image(self, entry: Entry, place: Place) -> str:
        """Make the image of a payload.

        Returns:
            Its path.

        Raises:
            PayloadGone, PayloadUnreadable, MediaError: it cannot be made.
        """
        payload = self._register.contents(entry)
        return self._shelf.make(
            entry.image, kind_of(entry.wanted, place), payload, time=entry.made, serial=entry.serial
        )

    def path(self, entry: Entry) -> str:
        """Where its image is."""
        return self._shelf.path(entry.image)

    def into_run(self, entry: Entry, domain: Domain) -> Entry:
        """Show a payload to a domain that runs already.

        Args:
            entry: not shown yet.
            domain: as it runs.

        Raises:
            PayloadNotPlaced: there is no drive for it. Other errors: the drive or the image; nothing stays.
        """
        own = entry.place.target if entry.place is not None else ""
        try:
            chosen = choose(domain, entry.wanted, own=own)
        except GuestwrightError as error:
            raise PayloadNotPlaced(
                domain=entry.domain, persistence=entry.persistence, problem=error.message
            ) from error
        path = self.image(entry, chosen.place)
        try:
            if chosen.plug:
                spec = spec_of(chosen.place, path)
                drive = self._hypervisor.attach_drive(entry.domain, spec, when=When.NOW)
                place = replace(chosen.place, target=drive.target)
            else:
                place = chosen.place
                self._hypervisor.insert(entry.domain, place.target, path, when=When.NOW)
        except BaseException:
            self._shelf.destroy(entry.image)
            raise
        entry = replace(entry, place=place, from_start=False)
        return self._register.save(after(entry, Happened.INSERTED))

    def out_of_run(self, entry: Entry, *, medium: str = "", force: bool = False) -> Entry:
        """Take a payload out of the run, and destroy its image.

        Args:
            entry: that is shown.
            medium: path of another medium for its drive; "" leaves it empty.
            force: even though the guest keeps the drive locked.

        Raises:
            TrayLocked: the guest keeps it. Other errors of the hypervisor.
        """
        place = entry.place
        if entry.inside and place is not None:
            self._remove(entry, place, medium, force=force)
        return self.gone(entry, Happened.TAKEN_OUT)

    def gone(self, entry: Entry, why: Happened) -> Entry:
        """A payload is in no drive any more: its image goes, and its contents unless it comes again."""
        self._shelf.destroy(entry.image)
        entry = after(replace(entry, image=new_name()), why)
        over = entry.persistence is Persistence.RUN_ONCE and entry.state in (State.FAILED, State.SCRUBBED)
        if over and entry.contents:
            return self._register.replace_contents(entry, None)
        return self._register.save(entry)

    def scrub(self, entry: Entry) -> Entry:
        """Put the twin in its place; the secrets are gone from the host then.

        Raises:
            GuestwrightError: it is still there; the entry says why.
        """
        twin = scrub(self._register.contents(entry))
        former, place = entry.image, entry.place
        try:
            if not entry.inside or place is None:
                entry = self._register.replace_contents(entry, twin)
            elif place.device is Device.DISK:
                self._shelf.overwrite(
                    entry.image, kind_of(entry.wanted, place), twin, time=entry.made, serial=entry.serial
                )
                entry = self._register.replace_contents(entry, twin)
            else:
                entry = self._register.replace_contents(replace(entry, image=new_name()), twin)
                self._hypervisor.change(entry.domain, place.target, self.image(entry, place), force=True)
                self._shelf.destroy(former)
        except GuestwrightError as error:
            if (
                entry.image != former
            ):  # what is in the drive is still the former one: empty it, whatever it is
                self._empty(entry, former)
            self._register.save(replace(entry, reason=f"it was not scrubbed: {error.message}"))
            raise
        return self._register.save(after(entry, Happened.SCRUBBED))

    def replaced(self, entry: Entry, domain: Domain) -> Entry:
        """Its image is in no drive of the run: finish what a killed service had begun, or note that.

        One that was killed while it scrubbed left the former image in the drive, and the twin as contents.
        """
        place = entry.place
        drive = next((one for one in domain.drives if place is not None and one.target == place.target), None)
        ours = drive is not None and os.path.dirname(drive.medium) == self._shelf.directory
        if place is None or not ours or entry.state is not State.CONSUMED:
            return self.gone(entry, Happened.TAKEN_OUT)
        self._hypervisor.change(entry.domain, place.target, self.image(entry, place), force=True)
        return self._register.save(after(entry, Happened.SCRUBBED))

    def take_out_strays(self, known: set[str]) -> None:
        """Empty the drives of runs that hold images of ours which no payload has; their files are gone.

        Args:
            known: paths of images that are where they should be.
        """
        for domain in self._hypervisor.list():
            for drive in domain.drives if domain.active else ():
                stray = os.path.dirname(drive.medium) == self._shelf.directory and drive.medium not in known
                if stray:
                    with suppress(GuestwrightError):  # what counts was done
                        if drive.device is Device.DISK:
                            self._hypervisor.detach_drive(domain.uuid, drive.target)
                        else:
                            self._hypervisor.eject(domain.uuid, drive.target, only=drive.medium, force=True)

    def forget(self, entry: Entry) -> None:
        """Nothing of a payload stays."""
        self._shelf.destroy(entry.image)
        self._register.drop(entry)

    def _empty(self, entry: Entry, image: str) -> None:
        """The secrets go even though the drive does not take the twin."""
        self._shelf.destroy(image)
        if entry.place is not None:
            path = self._shelf.path(image)
            with suppress(GuestwrightError):  # what counts was done
                self._hypervisor.eject(entry.domain, entry.place.target, only=path, force=True)

    def _remove(self, entry: Entry, place: Place, medium: str, *, force: bool) -> None:
        try:
            if place.device is Device.DISK:
                self._hypervisor.detach_drive(entry.domain, place.target, when=When.NOW)
            elif medium:
                self._hypervisor.change(entry.domain, place.target, medium, force=force)
            else:
                self._hypervisor.eject(entry.domain, place.target, only=self.path(entry), force=force)
        except (DomainNotFound, DriveNotFound, WrongDomainState):
            return  # gone with its run


def spec_of(place: Place, medium: str) -> DriveSpec:
    """The drive of a place, with a medium in it."""
    read_only = place.device is not Device.FLOPPY
    return DriveSpec(
        device=place.device, bus=place.bus, target=place.target, medium=medium, read_only=read_only
    )
